#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>
#include <signal.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/select.h>
#include <poll.h>
#include <time.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
static sigjmp_buf back;
static void on(int s) { siglongjmp(back, 1); }
static volatile int zero;
static void badpoll(void)
{
    struct pollfd *p = malloc(2 * sizeof *p - 1);
    p[0].fd = 0; p[0].events = 0; p[0].revents = 0;
    p[1].fd = 1; p[1].events = 0;
    poll(p, 2, 0);
    free(p);
}
static void buflen(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    char name[20];
    socklen_t un;
    getsockname(s, (struct sockaddr *)name, &un);
    close(s);
}
static void holey(void)
{
    int *p = malloc(10);
    p[1] = p[0];
    p[2] = 3;
    free(p);
}
static void inits(void)
{
    int x;
    static int y;
    if (x == (int)0xDEADBEEF) puts("x"); else puts("not x");
    if (y == 3) puts("y");
}
static void errs1(void)
{
    char *d = malloc(10);
    char *volatile e = d + 10;
    *e = 1;
    if (d[-1] == 77) puts("77");
    free(d);
}
static void null_socket(void)
{
    syscall(SYS_socketpair, 0, 0, 0, 0);
    write(2, 0, zero);
    write(-1, "x", 1);
    struct sockaddr *a = malloc(4);
    bind(99, a, 4);
    connect(99, a, 4);
    free(a);
}
static void post(void)
{
    struct timespec t;
    struct itimerval v;
    clock_gettime(CLOCK_REALTIME, &t);
    if (t.tv_sec == 99) puts("99");
    getitimer(ITIMER_REAL, &v);
    if (v.it_value.tv_sec == 4) puts("4");
    struct stat s;
    stat("/", &s);
    if (s.st_size == -3) puts("-3");
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_cur == 3) puts("3");
    int w;
    ioctl(0, FIONREAD, &w);
}
static void sockets(void)
{
    int p[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    struct iovec v[2];
    char buf[100];
    struct msghdr m;
    memset(&m, 0, sizeof m);
    v[0].iov_base = buf;
    v[0].iov_len = 4;
    m.msg_iov = v;
    m.msg_iovlen = 1;
    sendmsg(p[0], &m, 0);
    memset(buf, 0, 100);
    m.msg_iovlen = 2;
    sendmsg(p[0], &m, 0);
    struct msghdr n;
    n.msg_iov = v;
    n.msg_iovlen = 1;
    recvmsg(p[1], &n, 0);
    send(p[0], malloc(8), 8, 0);
    sendto(p[0], malloc(8), 8, 0, 0, 0);
    close(p[0]);
    close(p[1]);
}
static void writev1(void)
{
    int p[2];
    pipe(p);
    struct iovec v[2];
    char *a = malloc(8), *b = malloc(8);
    memset(a, 1, 8);
    v[0].iov_base = a; v[0].iov_len = 8;
    v[1].iov_base = b; v[1].iov_len = 9;
    writev(p[1], v, 2);
    v[0].iov_len = 9;
    readv(p[0], v, 1);
    writev(p[1], v, -1);
    readv(p[0], v, -1);
    close(p[0]);
    close(p[1]);
    free(a);
    free(b);
}
static void signals(void)
{
    struct sigaction sa, old;
    sa.sa_handler = SIG_IGN;
    sigaction(SIGUSR1, &sa, &old);
    sigset_t set;
    sigprocmask(SIG_SETMASK, &set, 0);
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, 0);
    stack_t st;
    st.ss_flags = 0;
    st.ss_sp = malloc(10000);
    sigaltstack(&st, 0);
    kill(getpid(), zero);
    int sig;
    kill(getpid(), sig & 0);
}
static void files(void)
{
    char *name = malloc(5);
    memcpy(name, "abcde", 5);
    open(name, O_RDONLY);
    unlink(name);
    char *un = malloc(5);
    open(un, O_RDONLY);
    stat(un, malloc(3));
    access(un, 0);
    mkdir(un, 0);
    char *argv[] = {un, 0};
    if (sigsetjmp(back, 1) == 0) execve(un, argv, 0);
    execve(0, 0, 0);
    int *fd = malloc(4);
    close(*fd);
    lseek(*fd, 0, 0);
    struct flock *l = malloc(sizeof *l);
    l->l_type = F_RDLCK;
    fcntl(0, F_SETLK, l);
}
static void times(void)
{
    struct timespec t;
    t.tv_sec = 0;
    nanosleep(&t, 0);
    struct timeval v;
    v.tv_sec = 0;
    select(0, 0, 0, 0, &v);
    int e = epoll_create1(0);
    struct epoll_event ev;
    ev.events = EPOLLIN;
    epoll_ctl(e, EPOLL_CTL_ADD, 0, &ev);
    struct epoll_event *got = malloc(4);
    epoll_wait(e, got, 1, 0);
    close(e);
    struct itimerval iv;
    iv.it_value.tv_sec = 0;
    setitimer(ITIMER_REAL, &iv, 0);
}
static void maps(void)
{
    char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = p[1];
    if (p[5]) puts("p5");
    munmap(p, 4096);
    if (sigsetjmp(back, 1) == 0) p[0] = 1;
    mprotect(p + 4096, 4096, PROT_READ);
    munmap(p + 4096, 4096);
    size_t len;
    mmap(0, len & 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void brk2(void)
{
    char *b = sbrk(0);
    sbrk(4096);
    if (b[0] == 3) puts("b");
    b[10] = 1;
    sbrk(-4096);
    if (sigsetjmp(back, 1) == 0) b[20] = 1;
}
static void badrw(void)
{
    char *x = malloc(10);
    volatile int *ip = (int *)(x - 4);
    *ip = 0xDEADBEEF;
    volatile short *sp = (short *)(x - 2);
    *sp = 1;
    volatile char *cp = x - 1;
    *cp = 7;
    volatile int *op = (int *)(x + 8);
    *op = 5;
    free(x);
}
int main(void)
{
    struct sigaction sa = {.sa_handler = on, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &sa, 0);
    sigaction(SIGBUS, &sa, 0);
    badpoll(); buflen(); holey(); inits(); errs1(); null_socket(); post(); sockets(); writev1(); signals(); files(); times(); maps(); brk2(); badrw();
    return 0;
}
