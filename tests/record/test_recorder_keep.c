/* A recorder that is kept and goes on.
 *   test_recorder_keep                            unit test on the ranks it is started with
 *   test_recorder_keep DIR MODE BEGIN END KEPT [HOW]
 * records steps BEGIN ... END - 1 of the made-up run into DIR, layout MODE. BEGIN > 0: it goes on from what is kept in folder
 * KEPT. At END it is kept there or, where that is the end of the run, finished. HOW: "on" then goes on and is killed after
 * some more flushes.
 *   test_recorder_keep DIR repair                 puts files back to their last flush and prints how many */
#include "io/record_guard.h"
#include "record/keeper_folder.h"
#include "record/synthetic.h"
#include <hdf5.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Shows steps [begin, end) in windows that do not respect flushes, and flushes at the end. */
static cls_status show(const synthetic *s, const cls_observer *o, int64_t begin, int64_t end) {
  enum { WINDOW = 7 };
  syn_window w = {0};
  cls_status status = CLS_OK;
  int64_t flushed = begin / o->flush_interval * o->flush_interval;
  for (int64_t from = begin; from < end && status == CLS_OK; from += WINDOW) {
    const int64_t stop = from + WINDOW < end ? from + WINDOW : end;
    for (int m = 0; m < s->job.members && status == CLS_OK; m++) {
      const cls_spikes spikes = syn_fill(s, m, from, stop, &w);
      status = o->spikes(o->self, m, &spikes);
      for (int64_t step = from; step < stop && status == CLS_OK; step++)
        if (o->next_look(o->self, step) == step + 1) status = syn_look(s, o, m, step);
    }
    for (; flushed + o->flush_interval <= stop && status == CLS_OK; flushed += o->flush_interval)
      status = o->flush(o->self, flushed + o->flush_interval);
  }
  if (status == CLS_OK) status = o->flush(o->self, end);
  free(w.neuron);
  return status;
}

static cls_status start(const synthetic *s, const char *directory, int64_t begin, const char *kept,
                        cls_recorder **recorder) {
  const cls_plastic_lister plastic = {s, syn_list};
  if (begin == 0)
    return cls_recorder_create(&s->world, &s->job, &s->placement, &s->layout, &plastic, directory, s->steps,
                               recorder);
  folder_keeper from;
  folder_keeper_create(&from, s->world.comm, kept, true);
  CLS_TRY(cls_recorder_continue(&s->world, &s->job, &s->placement, &s->layout, &plastic, directory, s->steps,
                                begin, &from.keeper, recorder));
  return cls_recorder_keep(*recorder, NULL, begin, &from.keeper);
}

static cls_status keep(const synthetic *s, cls_recorder *recorder, int64_t step, const char *kept) {
  folder_keeper to;
  folder_keeper_create(&to, s->world.comm, kept, false);
  return cls_recorder_keep(recorder, NULL, step, &to.keeper);
}

static cls_status record_part(synthetic *s, char **argv, cls_recorder **recorder) {
  const int64_t begin = atoll(argv[3]), end = atoll(argv[4]);
  cls_statistics statistics[2];
  CLS_TRY(start(s, argv[1], begin, argv[5], recorder));
  const cls_observer *o = cls_recorder_observer(*recorder);
  CLS_TRY(show(s, o, begin, end));
  if (end < s->steps) {
    CLS_TRY(keep(s, *recorder, end, argv[5]));
    if (!argv[6]) return CLS_OK;
    CLS_TRY(show(s, o, end, end + 1500 < s->steps ? end + 1500 : s->steps));
    MPI_Barrier(s->world.comm);
    raise(SIGKILL);
  }
  CLS_TRY(cls_recorder_finish(*recorder, statistics));
  for (int m = 0; m < 2 && s->world.rank == 0; m++) {
    const cls_statistics t = statistics[m];
    printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", t.mean_rate_hz, t.isi_cv_median,
           t.spike_correlation_mean, t.fc_mean, t.sc_fc_r, t.fc_seconds, t.rate_min_hz, t.rate_max_hz);
  }
  return CLS_OK;
}

static int record_for_python(char **argv) {
  synthetic s;
  cls_recorder *recorder = NULL;
  syn_create(&s, MPI_COMM_WORLD, atoi(argv[2]));
  const cls_status status = record_part(&s, argv, &recorder);
  if (status != CLS_OK && status != CLS_ERR_INPUT) {
    fprintf(stderr, "%s\n", cls_error_message());
    MPI_Abort(MPI_COMM_WORLD, (int)status);
  }
  if (status != CLS_OK && s.world.rank == 0) fprintf(stderr, "%s\n", cls_error_message());
  cls_recorder_destroy(recorder);
  syn_destroy(&s);
  return (int)status;
}

static int repair_for_python(const char *directory) {
  int n = 0;
  const cls_status status = cls_recordings_repair(directory, &n);
  if (status != CLS_OK) fprintf(stderr, "%s\n", cls_error_message());
  printf("%d\n", n);
  return (int)status;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int result = argc > 5 ? record_for_python(argv) : argc > 2 ? repair_for_python(argv[1]) : 77;
  MPI_Finalize();
  return result;
}
