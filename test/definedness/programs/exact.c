/* The same where floating point follows MXCSR: that code is another variant. */
#include <fenv.h>
#include <stdlib.h>

static volatile int hits;

int main(void) {
  double *d = malloc(40);
  unsigned *u = malloc(40);
  d[0] = 1.0 + hits;
  fesetround(FE_UPWARD);
  feclearexcept(FE_ALL_EXCEPT);
  volatile double third = d[0] / 3.0;
  if (third > 0.3) hits++;
  if (d[1] / 3.0 > 0.3) hits++; /* jump */
  if (d[0] + d[2] > 0.3) hits++; /* jump */
  if (u[0] & 1) hits++; /* jump */
  if ((int)(d[0] * 2.0) == 2) hits++;
  if (fetestexcept(FE_INEXACT)) hits++;
  return 0;
}
