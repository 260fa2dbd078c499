/* `callosum report DIR`: report.html and PNG figures from a run folder. The work is done in Python
 * (jobs/report); this file finds it, starts it and passes on its exit status. */
#include "base/base.h"
#include "callosum_build.h"
#include "io/io.h"
#include "jobs/jobs.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int usage(void) {
  fprintf(stderr, "callosum: report: expected one run folder: callosum report DIR\n");
  return CLS_ERR_INPUT;
}

static bool has_program(const char *folder) {
  char *path = cls_format("%s/__main__.py", folder);
  bool found = path && access(path, R_OK) == 0;
  free(path);
  return found;
}

/* The folder of the Python program, freed by the caller: beside an installed program (PREFIX/bin/callosum,
 * PREFIX/share/callosum/report), else in the source tree this program was built from. NULL where it is in
 * neither. */
static char *find_report(void) {
  char self[4096];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  char *folder = NULL;
  if (length > 0) {
    self[length] = 0;
    char *slash = strrchr(self, '/');
    if (slash) {
      *slash = 0;
      folder = cls_format("%s/../share/callosum/report", self);
      if (folder && has_program(folder)) return folder;
      free(folder);
    }
  }
  folder = cls_format("%s/jobs/report", CALLOSUM_SOURCE_DIR);
  if (folder && has_program(folder)) return folder;
  free(folder);
  return NULL;
}

/* Runs the interpreter on the folder and waits for it. */
static int run_python(char *report, char *directory) {
  char python[] = CALLOSUM_PYTHON;
  char *arguments[] = {python, report, directory, NULL};
  pid_t child;
  int error = posix_spawnp(&child, python, NULL, NULL, arguments, environ);
  if (error) {
    fprintf(
        stderr,
        "callosum: report: cannot start the Python interpreter %s: %s; install python3, or configure with "
        "-DCALLOSUM_PYTHON=INTERPRETER\n",
        python, strerror(error));
    return CLS_ERR_IO;
  }
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno == EINTR) continue;
    fprintf(stderr, "callosum: report: lost the Python interpreter: %s\n", strerror(errno));
    return CLS_ERR_IO;
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  fprintf(stderr, "callosum: report: the Python interpreter was ended by signal %d\n", WTERMSIG(status));
  return CLS_ERR_IO;
}

int cls_command_report(int argc, char **argv) {
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    printf("callosum report DIR\n\n"
           "Writes DIR/report.html, with all figures in it, and DIR/figures/*.png from what a run left in "
           "DIR.\n");
    return CLS_OK;
  }
  if (argc != 2 || argv[1][0] == '-') return usage();
  char *report = find_report();
  if (!report) {
    fprintf(stderr,
            "callosum: report: its Python program is neither in ../share/callosum/report beside this program "
            "nor in " CALLOSUM_SOURCE_DIR "/jobs/report\n");
    return CLS_ERR_IO;
  }
  int repaired = 0;
  if (cls_recordings_repair(argv[1], &repaired) != CLS_OK) /* Python says what it cannot read */
    fprintf(stderr, "callosum: report: %s\n", cls_error_message());
  if (repaired > 0)
    printf("the run was killed: %d recording%s put back to the last flush\n", repaired,
           repaired == 1 ? "" : "s");
  fflush(NULL);
  int status = run_python(report, argv[1]);
  free(report);
  return status;
}
