// A program without a C library writes, forks by clone, waits, adds the child's status and exits.
#include <asm/unistd.h>

    .globl _start
    .text
_start:
    mov $__NR_write, %eax
    mov $1, %edi
    lea text(%rip), %rsi
    mov $length, %edx
    syscall
    mov $__NR_clone, %eax
    mov $17, %edi            // SIGCHLD
    xor %esi, %esi
    xor %edx, %edx
    xor %r10d, %r10d
    xor %r8d, %r8d
    syscall
    test %eax, %eax
    jz child
    mov $__NR_wait4, %eax
    mov $-1, %rdi
    lea -64(%rsp), %rsi      // in the red zone, which a recorder must leave alone
    movl $0, (%rsi)
    xor %edx, %edx
    xor %r10d, %r10d
    syscall
    movzbl -63(%rsp), %edi
    add $4, %edi
    mov $__NR_exit_group, %eax
    syscall
child:
    mov $__NR_exit, %eax
    mov $30, %edi
    syscall

    .data
text:
    .ascii "no library here\n"
    .set length, . - text

    .section .note.GNU-stack, "", @progbits
