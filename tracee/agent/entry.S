// The ways into the agent and out of it. See layout.h (struct Slot) for the offsets, and patch.h for the
// trampoline that jumps here with the address behind its own `syscall` instruction in rcx.
        .section .text.start, "ax"
        .globl  agent_start
agent_start:
        jmp     *%gs:224
        .balign 8
        jmp     *%gs:232
        .balign 16
        .quad   entry
        .quad   counter_entry
        .quad   no_entry
        .quad   fallback
        .quad   agent_breakpoint
        .quad   leave_breakpoint
        .quad   agent_call
        .quad   agent_call_instruction

        .text
        // Saves what the program has, and changes to the agent's own stack.
        .macro  come_in
        movq    %rsp, %gs:8
        movq    %gs:16, %rsp
        movq    %rcx, %gs:24
        pushfq
        popq    %gs:32
        movq    %rax, %gs:40
        movq    %rdi, %gs:48
        movq    %rsi, %gs:56
        movq    %rdx, %gs:64
        movq    %r10, %gs:72
        movq    %r8, %gs:80
        movq    %r9, %gs:88
        movq    %rbx, %gs:96
        movq    %rbp, %gs:104
        movq    %r12, %gs:112
        movq    %r13, %gs:120
        movq    %r14, %gs:128
        movq    %r15, %gs:136
        movl    $1, %gs:152
        cld
        movq    %gs:0, %rdi
        pushq   $0                      // as if by a call, whose address the processor would keep for a `ret`
        .endm

        // What a function leaves as it was; agent_main and agent_counter, which do not return, do not.
        .macro  restore_kept
        movq    %gs:96, %rbx
        movq    %gs:104, %rbp
        movq    %gs:112, %r12
        movq    %gs:120, %r13
        movq    %gs:128, %r14
        movq    %gs:136, %r15
        .endm

entry:
        come_in
        jmp     agent_main

        // Where agent_main and agent_counter, which do not return, go in the end: see leave() in agent.cc for what
        // is in eax.
        .globl  agent_leave
agent_leave:
        testl   %eax, %eax
        jz      fallback

        // The result is there.
        restore_kept
        movq    %gs:48, %rdi
        movq    %gs:56, %rsi
        movq    %gs:72, %r10
        movq    %gs:80, %r8
        movq    %gs:88, %r9
        movq    %gs:24, %rcx
        movq    %gs:32, %r11            // as after a real call: rcx and r11 hold rip and flags
        cmpl    $1, %eax
        jne     leave_with_trap
        btl     $10, %r11d
        jc      leave_downwards

        // Of the flags, the agent changes the arithmetic ones and clears DF. popf, which also has to consider all
        // others, takes some 9 ns; sahf (all but OF, from ah) and an addition for OF take 1.
        movl    %r11d, %eax
        movl    %r11d, %edx
        shrl    $11, %edx
        andl    $1, %edx
        movb    %al, %ah
        movb    %dl, %al
        addb    $127, %al               // OF: 1 + 127 overflows
        sahf
        movq    %gs:64, %rdx
        movq    %gs:144, %rax
        movq    %gs:8, %rsp
        jmp     *%rcx

        // The program had DF set.
leave_downwards:
        movq    %gs:64, %rdx
        movq    %gs:144, %rax
        pushq   %r11
        popfq
        movq    %gs:8, %rsp
        jmp     *%rcx

leave_with_trap:
        movq    %gs:64, %rdx
        movq    %gs:144, %rax
        pushq   %r11
        popfq
        movq    %gs:8, %rsp
        int3
leave_breakpoint:
        jmp     *%rcx

fallback:
        movq    %gs:40, %rax
        movq    %gs:48, %rdi
        movq    %gs:56, %rsi
        movq    %gs:64, %rdx
        movq    %gs:72, %r10
        movq    %gs:80, %r8
        movq    %gs:88, %r9
        restore_kept
        movq    %gs:24, %rcx
        leaq    -2(%rcx), %r11          // L0: the trampoline's own `syscall`
        movl    $0, %gs:152
        movq    %gs:16, %rsp
        pushq   %gs:32
        popfq
        movq    %gs:8, %rsp
        jmp     *%r11

        // For an rdtsc: its trampoline saves what a `syscall` would change.
counter_entry:
        come_in
        jmp     agent_counter

no_entry:
        leaq    -2(%rcx), %r11
        jmp     *%r11

        // void agent_trap(): replay; rec looks at the slot and goes on.
        .globl  agent_trap
agent_trap:
        int3
agent_breakpoint:
        ret

        // The program's call, by the one instruction whose address the seccomp filter lets pass. rdi: number; rsi:
        // arguments; r12: where it goes on. Up to and with agent_call_instruction it has not been made.
        .globl  agent_call
agent_call:
        movl    $2, %gs:152
        movq    %rdi, %rax
        movq    %rsi, %r11
        movq    (%r11), %rdi
        movq    8(%r11), %rsi
        movq    16(%r11), %rdx
        movq    24(%r11), %r10
        movq    32(%r11), %r8
        movq    40(%r11), %r9
        movl    $0x70000000, %r11d
agent_call_instruction:
        jmp     *%r11
        .section .note.GNU-stack, "", @progbits
