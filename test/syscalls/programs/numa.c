/* Memory policies on a computer with one node. */
#include "check.h"
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

int main(void) {
  int mode = 9;
  unsigned long nodes[16] = {7};
  CHECK(syscall(SYS_get_mempolicy, &mode, nodes, 1024, 0, 0) == 0 && mode == MPOL_DEFAULT && nodes[0] == 0);
  CHECK(syscall(SYS_get_mempolicy, NULL, nodes, 1024, 0, MPOL_F_MEMS_ALLOWED) == 0 && nodes[0] == 1);
  FAILS(syscall(SYS_get_mempolicy, NULL, NULL, 0, 1, 0), EINVAL);
  FAILS(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, 64), EINVAL);
  FAILS(syscall(SYS_get_mempolicy, &mode, NULL, 0, 1, MPOL_F_ADDR), EFAULT);
  nodes[0] = 1;
  CHECK(syscall(SYS_set_mempolicy, MPOL_BIND, nodes, 1024) == 0);
  nodes[0] = 0;
  CHECK(syscall(SYS_get_mempolicy, &mode, nodes, 1024, 0, 0) == 0 && mode == MPOL_BIND && nodes[0] == 1);
  FAILS(syscall(SYS_set_mempolicy, MPOL_DEFAULT, nodes, 1024), EINVAL);
  FAILS(syscall(SYS_set_mempolicy, MPOL_BIND, NULL, 0), EINVAL);
  FAILS(syscall(SYS_set_mempolicy, 99, nodes, 1024), EINVAL);
  nodes[0] = 2;
  FAILS(syscall(SYS_set_mempolicy, MPOL_BIND, nodes, 1024), EINVAL);
  nodes[0] = 1;
  FAILS(syscall(SYS_set_mempolicy, MPOL_BIND, 8, 1024), EFAULT);
  CHECK(syscall(SYS_set_mempolicy, MPOL_PREFERRED, NULL, 0) == 0);
  CHECK(syscall(SYS_get_mempolicy, &mode, NULL, 0, 0, 0) == 0 && mode == 4);
  CHECK(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0) == 0);

  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  page[0] = 1;
  CHECK(syscall(SYS_mbind, page, 8192, MPOL_BIND, nodes, 1024, 0) == 0);
  FAILS(syscall(SYS_mbind, page + 1, 4096, MPOL_BIND, nodes, 1024, 0), EINVAL);
  FAILS(syscall(SYS_mbind, page, 4096, MPOL_BIND, nodes, 1024, 64), EINVAL);
  void *pages[1] = {page};
  int node = 0, status = 9;
  CHECK(syscall(SYS_move_pages, 0, 1, pages, &node, &status, MPOL_MF_MOVE) == 0 && status == 0);
  CHECK(syscall(SYS_move_pages, 0, 1, pages, NULL, &status, 0) == 0 && status == 0);
  FAILS(syscall(SYS_move_pages, 0, 1, pages, &node, &status, 64), EINVAL);
  return 0;
}
