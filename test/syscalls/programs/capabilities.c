/* What root may no longer do once it has dropped capabilities, and what becomes of them when ids change. Nothing to see for anybody but root. */
#include "check.h"
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct sets { uint32_t effective, permitted, inheritable; };

static struct sets get(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  CHECK(syscall(SYS_capget, &header, data) == 0);
  return (struct sets){data[0].effective, data[0].permitted, data[0].inheritable};
}
static int set(uint32_t effective, uint32_t permitted, uint32_t inheritable) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{effective, permitted, inheritable}, {0, 0, 0}};
  return syscall(SYS_capset, &header, data);
}
#define BIT(name) (1u << (name))

/* The rest in a child: what is dropped does not come back. */
static void in_child(void (*body)(void)) {
  pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void loses_rights(void) {
  CHECK(set(BIT(CAP_SETUID), BIT(CAP_SETUID) | BIT(CAP_CHOWN), 0) == 0);
  struct sets now = get();
  CHECK(now.effective == BIT(CAP_SETUID) && now.permitted == (BIT(CAP_SETUID) | BIT(CAP_CHOWN)) && now.inheritable == 0);
  FAILS(open("locked", O_RDONLY), EACCES);
  FAILS(chown("mine", 1, 1), EPERM);
  FAILS(mknod("device", S_IFCHR | 0600, 259), EPERM);
  FAILS(chroot("."), EPERM);
  FAILS(set(BIT(CAP_KILL), BIT(CAP_SETUID), 0), EPERM);
  FAILS(set(BIT(CAP_SETUID), BIT(CAP_SETUID) | BIT(CAP_KILL), 0), EPERM);
  CHECK(set(BIT(CAP_CHOWN), BIT(CAP_CHOWN), BIT(CAP_CHOWN)) == 0);
  CHECK(chown("mine", 1, 1) == 0);
  FAILS(setuid(1), EPERM);
  FAILS(prctl(PR_CAPBSET_DROP, CAP_KILL), EPERM);
}

static void changes_user(void) {
  CHECK(prctl(PR_CAPBSET_READ, CAP_KILL) == 1 && prctl(PR_CAPBSET_DROP, CAP_KILL) == 0);
  CHECK(prctl(PR_CAPBSET_READ, CAP_KILL) == 0);
  CHECK(seteuid(1) == 0);
  CHECK(get().effective == 0 && get().permitted != 0);
  CHECK(seteuid(0) == 0);
  CHECK(get().effective == get().permitted);
  CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
  CHECK(setuid(1) == 0);
  CHECK(get().effective == 0 && (get().permitted & BIT(CAP_SETUID)));
  CHECK(set(BIT(CAP_SETUID), BIT(CAP_SETUID), BIT(CAP_SETUID)) == 0);
  CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0) == 0);
  CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) == 0);
  CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0) == 1);
  FAILS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
  CHECK(setuid(2) == 0 && getuid() == 2);
}

static void forgets(void) {
  CHECK(setuid(1) == 0);
  CHECK(get().effective == 0 && get().permitted == 0);
  FAILS(setuid(0), EPERM);
}

int main(void) {
  if (getuid() != 0) return 0;
  enter_fresh_directory();
  CHECK(chmod(".", 0755) == 0);
  close(open("mine", O_CREAT | O_WRONLY, 0600));
  close(open("locked", O_CREAT | O_WRONLY, 0000));
  close(open("locked", O_RDONLY));
  in_child(loses_rights);
  in_child(changes_user);
  in_child(forgets);
  CHECK(get().permitted != 0);
  return 0;
}
