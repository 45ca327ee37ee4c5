/* Starts a C program on a Cortex-M under semihosting: vectors, data, the exit code; and measures stack. */
#include <stdint.h>

extern uint32_t load_of_data[], start_of_data[], end_of_data[], start_of_bss[], end_of_bss[], top_of_stack[];
extern int main(void);
extern int fflush(void *);
extern void initialise_monitor_handles(void);

static void leave(int code)
{
    uint32_t block[2];
    register uint32_t operation __asm__("r0") = 0x20; /* SYS_EXIT_EXTENDED */
    register uint32_t *argument __asm__("r1") = block;
    block[0] = 0x20026; /* ADP_Stopped_ApplicationExit */
    block[1] = (uint32_t)code;
    __asm__ volatile("bkpt 0xab" : : "r"(operation), "r"(argument) : "memory");
    for (;;) {
    }
}

void reset(void)
{
    uint32_t *from = load_of_data, *to = start_of_data;
    while (to < end_of_data) *to++ = *from++;
    for (to = start_of_bss; to < end_of_bss; to++) *to = 0;
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* CPACR: the floating point unit */
#endif
    initialise_monitor_handles();
    int code = main();
    fflush(0);
    leave(code);
}

static void fault(void)
{
    leave(99);
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    top_of_stack, (void *)reset, (void *)fault, (void *)fault,
};

/* Bytes of stack that `run` takes. */
__attribute__((noinline)) unsigned stack_of(int (*run)(void *), void *argument)
{
    volatile uint32_t here = 0;
    uint32_t *top = (uint32_t *)(uintptr_t)&here - 16, *word;
    const unsigned words = 1024;
    for (word = top - words; word < top; word++) *(volatile uint32_t *)word = 0x5aa5c33cu;
    run(argument);
    for (word = top - words; word < top && *(volatile uint32_t *)word == 0x5aa5c33cu; word++) {
    }
    return (unsigned)(top - word) * 4u;
}
