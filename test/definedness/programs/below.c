/* What lies below the stack pointer: a leaf keeps values there behind what it has pushed, in the same block; a call leaves nothing of its caller's. */
long leaf(long first, long second);

__asm__(".text\n.globl leaf\n.type leaf, @function\n"
        "leaf: push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        " mov %rdi, -0x60(%rsp)\n mov %rsi, -0x58(%rsp)\n mov %rsi, -0x80(%rsp)\n"
        " mov -0x58(%rsp), %rcx\n"
        "1: mov -0x60(%rsp), %rax\n cmp %rcx, %rax\n jae 2f\n"
        " mov -0x80(%rsp), %rdx\n cmp %rcx, %rdx\n jae 2f\n nop\n"
        "2: lea -0x40(%rsp), %rdx\n mov %rax, (%rdx)\n push %rcx\n pop %rcx\n"
        " cmp %rcx, -0x40(%rsp)\n jb 3f\n inc %rax\n"
        "3: pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n.size leaf, .-leaf\n");

int main(void) {
  volatile long sum = 0;
  for (long i = 0; i < 20; i++) sum += leaf(i, 3);
  return sum == 0;
}
