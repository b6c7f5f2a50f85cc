/* Prints what a program finds on its stack at the start, without addresses: the same natively and in the machine. */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;
extern char __executable_start[], _end[];
static char data[5000] = "data";
static char bss[10000];

int main(int argc, char **argv) {
  printf("argc %d\n", argc);
  for (int i = 0; i < argc; i++) printf("argv %s\n", i == 0 ? strrchr(argv[0], '/') : argv[i]);
  printf("argv end %d\n", argv[argc] == NULL);
  long *words = (long *)argv - 1;
  printf("argc on the stack %ld, aligned %ld\n", words[0], (long)words % 16);
  char **env = argv + argc + 1;
  printf("environ %d\n", env == environ);
  char *last = argv[argc - 1];
  for (; *env != NULL; env++) {
    printf("env %s, above %d\n", *env, *env > last);
    last = *env;
  }
  Elf64_auxv_t *aux = (Elf64_auxv_t *)(env + 1);
  for (; aux->a_type != AT_NULL; aux++) {
    switch (aux->a_type) {
      /* Facts of the real kernel or processor. */
      case AT_SYSINFO_EHDR: case AT_HWCAP: case AT_HWCAP2: case AT_MINSIGSTKSZ: case 27: case 28: case 29: case 30:
        break;
      case AT_PHDR: {
        const Elf64_Phdr *phdr = (void *)aux->a_un.a_val;
        printf("AT_PHDR %d, first type %d\n", (char *)phdr - __executable_start == 64, phdr->p_type == PT_PHDR || phdr->p_type == PT_LOAD);
        break;
      }
      case AT_BASE: printf("AT_BASE %s\n", aux->a_un.a_val == 0 ? "none" : memcmp((void *)aux->a_un.a_val, "\177ELF", 4) == 0 ? "ELF" : "?"); break;
      case AT_ENTRY: printf("AT_ENTRY %d\n", (char *)aux->a_un.a_val > __executable_start && (char *)aux->a_un.a_val < _end); break;
      case AT_RANDOM: printf("AT_RANDOM above %d, below the strings %d\n", (char *)aux->a_un.a_val > (char *)aux, (char *)aux->a_un.a_val < argv[0]); break;
      case AT_EXECFN: printf("AT_EXECFN %s, above the environment %d\n", strrchr((char *)aux->a_un.a_val, '/'), (char *)aux->a_un.a_val > last); break;
      case AT_PLATFORM: printf("AT_PLATFORM %s, above AT_RANDOM\n", (char *)aux->a_un.a_val); break;
      case AT_UID: case AT_EUID: case AT_GID: case AT_EGID: printf("type %lu own %d\n", aux->a_type, aux->a_un.a_val == getuid() || aux->a_un.a_val == getgid()); break;
      default: printf("type %lu value %lu\n", aux->a_type, aux->a_un.a_val);
    }
  }
  for (size_t i = 0; i < sizeof bss; i++) if (bss[i] != 0) printf("bss %zu\n", i);
  printf("%s, %d, break is page-aligned behind the program %d\n", data, data[4999], (char *)sbrk(0) >= _end);
  return 0;
}
