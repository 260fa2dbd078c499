#include "jobs/run.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds between updates: often enough on a terminal to look alive, seldom enough in a log to stay readable.
 */
static const double TERMINAL_S = 0.2, LOG_S = 15;

/* mpirun gives its ranks a terminal of its own, also where its output goes to a file: then look at what it
 * writes to. */
static bool writes_to_terminal(void) {
  const char *kind = getenv("TERM");
  if (!isatty(STDOUT_FILENO) || (kind && strcmp(kind, "dumb") == 0)) return false;
  if (!getenv("OMPI_COMM_WORLD_SIZE")) return true;
  char *link = cls_format("/proc/%d/fd/1", (int)getppid()), target[64] = "";
  ssize_t n = link ? readlink(link, target, sizeof target - 1) : -1;
  free(link);
  return n > 0 && (strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0);
}

void cls_run_progress_begin(cls_run_progress *progress, const cls_run *run) {
  *progress = (cls_run_progress){.run = run, .begun_s = cls_seconds(), .terminal = writes_to_terminal()};
  progress->last_s = progress->begun_s;
}

static void print_left(char *text, size_t size, double seconds) {
  if (seconds < 90)
    snprintf(text, size, "%.0f s", seconds);
  else if (seconds < 5400)
    snprintf(text, size, "%.0f min", seconds / 60);
  else {
    time_t at = time(NULL) + (time_t)seconds;
    char date[32];
    strftime(date, sizeof date, "%Y-%m-%d %H:%M", localtime(&at));
    snprintf(text, size, "%.1f h, until %s", seconds / 3600, date);
  }
}

static void print(cls_run_progress *p, int64_t step, double now) {
  double share = (double)step / (double)p->run->steps, spent = now - p->begun_s;
  double biology = (double)step * p->run->job->dt_ms * 1e-3;
  char left[64];
  print_left(left, sizeof left, share > 0 ? spent / share * (1 - share) : 0);
  if (p->terminal) {
    enum { WIDTH = 32 };
    char bar[WIDTH + 1];
    int full = (int)(share * WIDTH);
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)full);
    bar[WIDTH] = 0;
    printf("\r  [%s] %5.1f %%  %.2f s of biology, real-time factor %.2f, %s left \033[K", bar, 100 * share,
           biology, biology > 0 ? spent / biology : 0, left);
  } else {
    printf("  %5.1f %%  %.2f s of biology in %.1f s, real-time factor %.2f, %s left\n", 100 * share, biology,
           spent, biology > 0 ? spent / biology : 0, left);
  }
  fflush(stdout);
}

void cls_run_progress_step(void *progress, int64_t step) {
  cls_run_progress *p = progress;
  if (p->run->world.rank != 0 || p->run->world.verbosity < 1) return;
  double now = cls_seconds();
  if (now - p->last_s < (p->terminal ? TERMINAL_S : LOG_S)) return;
  p->last_s = now;
  print(p, step, now);
}

void cls_run_progress_end(cls_run_progress *progress) {
  if (progress->run->world.rank != 0 || progress->run->world.verbosity < 1) return;
  print(progress, progress->run->reached, cls_seconds());
  if (progress->terminal) printf("\n");
}
