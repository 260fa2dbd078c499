/* MPI under LeakSanitizer: what MPI_Init() keeps until the end is not ours, and once MPI_Finalize() has
 * unloaded its modules nothing can be told apart any more. So the first is not watched, and leaks are looked
 * for before the second. */
#ifndef TESTS_BASE_LEAKS_H
#define TESTS_BASE_LEAKS_H

#include <mpi.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define WITH_LEAK_CHECK(call) (call)
#else
#define WITH_LEAK_CHECK(call) ((void)0)
#endif

static inline void start_mpi(int *argc, char ***argv) {
  WITH_LEAK_CHECK(__lsan_disable());
  MPI_Init(argc, argv);
  WITH_LEAK_CHECK(__lsan_enable());
}

/* Ends the program with an error where memory was leaked. */
static inline void stop_mpi(void) {
  WITH_LEAK_CHECK(__lsan_do_leak_check());
  MPI_Finalize();
}

#endif
