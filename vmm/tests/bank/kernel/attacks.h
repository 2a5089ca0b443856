/* What a hostile kernel can try. Each function is one attack, and none of them comes back. */

#include "machine.h"

/* agents.c: play the agents, in kernel mode. */
_Noreturn void obedient(void);
_Noreturn void liar(void);
_Noreturn void printing_liar(void);
_Noreturn void doctoring_liar(void);
_Noreturn void babbling_liar(void);
_Noreturn void liar_in_user_mode(void);

/* trees.c: play the agents over page tables that are expensive, or not ones. */
_Noreturn void shared_tables(void);
_Noreturn void tables_of_devices(void);
_Noreturn void table_in_itself(void);
_Noreturn void giant_pages(void);
_Noreturn void tables_outside_memory(void);
_Noreturn void executable_aliases(void);
_Noreturn void reserved_bits(void);
_Noreturn void kernel_for_users(void);

/* floods.c: say something without end. */
_Noreturn void logs(void);
_Noreturn void console(void);
_Noreturn void protections(void);
_Noreturn void user_faults(void);
_Noreturn void user_fault_ranges(void);
_Noreturn void processes(void);
_Noreturn void ends_of_nobody(void);
_Noreturn void introductions(void);
_Noreturn void rings(void);
_Noreturn void scribbled_archive(void);

/* ends.c: stop. */
_Noreturn void halt(void);
_Noreturn void spin(void);
_Noreturn void triple_fault(void);
_Noreturn void silence_after_a_ring(void);
_Noreturn void forged_panic(void);
_Noreturn void forged_log(void);
_Noreturn void panic_outside_memory(void);
