/* callosum: the program. Finds the subcommand, starts and ends MPI. */
#include "base/base.h"
#include "jobs/jobs.h"
#include "jobs/run.h"
#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *about;
  bool alone;   /* needs no MPI: starts at once, also where MPI cannot */
  bool listens; /* signals ask it for checkpoints */
} command;

static const command commands[] = {
    {"run", cls_command_run,
     "run JOB.yaml [--out DIR] [--set key.path=value ...] [--backend NAME] [--restart FILE|auto]", false,
     true},
    {"sweep", cls_command_sweep, "sweep JOB.yaml [--out DIR] [--batch N | --point K | --collect]", false,
     true},
#ifdef CALLOSUM_HAS_PETSC
    {"assimilate", cls_command_assimilate,
     "assimilate JOB.yaml [--out DIR] [--restart auto] [--forecast-only [--member N] | --analysis-only]",
     false, true},
#endif
    {"check", cls_command_check, "check JOB.yaml [--ranks N] [--set key.path=value ...]", false, false},
    {"partition", cls_command_partition,
     "partition JOB.yaml --ranks N [--ranks-per-node K] [--method NAME|all]", false, false},
    {"import", cls_command_import, "import FORMAT FILE --out FILE.h5", false, false},
    {"info", cls_command_info, "info FILE.h5", false, false},
    {"report", cls_command_report, "report DIR", true, false},
    {"models", cls_command_models, "models [NAME | --markdown]", true, false},
    {"reference", cls_command_reference, "reference", true, false},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *stream) {
  fprintf(stream, "callosum %s: spiking networks at the scale of the brain\n\n", CLS_VERSION);
  for (int i = 0; i < N_COMMANDS; i++) fprintf(stream, "  callosum %s\n", commands[i].about);
  fprintf(
      stream,
      "  callosum --help | --version\n\n"
      "Each command explains itself with --help. `mpirun -n 4 callosum run ...` and\n"
      "`srun --mpi=pmix callosum run ...` are the same program on several ranks.\n"
      "Exit codes: 0 done, 2 bad input (nothing was written), 75 stopped by a signal after a checkpoint,\n"
      "others: the machine failed.\n");
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

/* gcc's OpenMP lets waiting threads spin for milliseconds, which starves whoever shares the cores (measured:
 * a job of two threads on two busy cores took 7 times as long as with one thread). It reads its settings
 * before main(), so ours are put into the environment and the program starts once more; whatever the user set
 * is left alone. */
static void wait_politely(char **argv) {
  if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
  if (setenv("GOMP_SPINCOUNT", "400", 1) == 0)
    execv("/proc/self/exe", argv); /* on failure: go on as we are */
}

/* For a program that no launcher started Open MPI starts a daemon, from which others could be started: .8 s that we have no use
 * for (measured on a busy core). Without it all such programs share one folder of Open MPI's, which the first to end removes:
 * so they do without that, and without the one plugin that complains then. */
static void start_alone(void) {
  static const char *const launchers[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
  for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
    if (getenv(launchers[i])) return;
  (void)setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  (void)setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
  (void)setenv("OMPI_MCA_sharedfp", "^sm", 0);
}

int main(int argc, char **argv) {
  if (argc < 2 || is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
    print_help(argc < 2 ? stderr : stdout);
    return argc < 2 ? 2 : 0;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("callosum %s\n", CLS_VERSION);
    return 0;
  }
  for (int i = 0; i < N_COMMANDS; i++) {
    if (strcmp(argv[1], commands[i].name) != 0) continue;
    if (commands[i].alone) return commands[i].run(argc - 1, argv + 1);
    if (commands[i].listens) cls_run_listen();
    wait_politely(argv);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit shows as a failed write, with a message */
    start_alone();
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    int code = commands[i].run(argc - 1, argv + 1);
    MPI_Finalize();
    return code;
  }
  fprintf(stderr, "callosum: command '%s': expected one of", argv[1]);
  for (int i = 0; i < N_COMMANDS; i++) fprintf(stderr, "%s %s", i ? "," : "", commands[i].name);
  fprintf(stderr, " (see --help)\n");
  return 2;
}
