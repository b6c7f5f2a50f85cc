/** A library with a variable that each thread has for itself. */
__thread long library_counter = 31;
static __thread char library_text[8] = "tls";
int *library_touch(void) {
  library_counter++;
  library_text[0] = 'T';
  return (int *)&library_counter;
}
