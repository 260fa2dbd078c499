/* What the parts of the recorder share: the run they look at, what a recording is, and how its file begins
 * and ends. */
#ifndef CALLOSUM_RECORD_H
#define CALLOSUM_RECORD_H

#include "io/hdf5_file.h"
#include "io/io.h"

/* The run. Borrowed pointers outlive the recorder. */
typedef struct {
  cls_world world;
  const cls_job *job;
  const cls_network *network;
  const cls_placement *placement;
  const cls_layout *layout;
  cls_plastic_lister plastic;
  const char *directory;
  int members;
  int64_t steps; /* length of the run */
  int64_t
      warmup_step; /* statistics look at steps from here on; 0 where the run is shorter than the warm-up */
  int64_t flush_interval; /* steps; known when files are opened */
  int64_t reached;        /* step of the last flush; of a run that goes on, at first, where it was saved */
  bool sync;              /* whether this flush goes through to the disk; the same on all ranks */
  bool continued;         /* the files are there already and have what was recorded before `reached` */
  cls_engine *engine;     /* while the recorder is kept, for recordings whose state it has */
} cls_record;

/* A recording: a file, or figures for the end of the run. Functions are called in the order they stand; NULL
 * ones are skipped. Nothing may be closed after a file could not be written (io/hdf5_file.h). */
typedef struct {
  void *self;
  const char *file;     /* its name in the folder; NULL: none. Owned by `self` */
  int64_t interval;     /* steps between looks at the members, 0: none are needed */
  bool at_end;          /* also at the end of the run, where that is no multiple of `interval` */
  double waiting_bytes; /* memory of this rank that every step takes until the next flush */
  /* Collective, before any file is created: may refuse. */
  cls_status (*prepare)(void *self);
  /* Collective: creates the file. What may be refused was refused before. */
  cls_status (*open)(void *self);
  /* Local: every step once, in order of time. */
  cls_status (*spikes)(void *self, int member, const cls_spikes *spikes);
  /* What it can make do with in place of `spikes`; 0 and NULL: it needs all. Counts add to those of earlier calls:
   * count[k * n_groups + group] of bin `bin` + k of tally `tally`; `marked` is NULL or says whose spikes it wants. */
  const cls_tally *tallies;
  int n_tallies;
  cls_status (*counts)(void *self, int member, int tally, int64_t bin, int64_t n, const uint32_t *count);
  cls_status (*volumes)(void *self, int member, int tally, int64_t volume, int64_t n, const double *signal,
                        const uint64_t *spikes);
  const uint64_t *marked;
  uint32_t n_marked;
  cls_status (*marked_spikes)(void *self, int member, const cls_spikes *spikes);
  /* Local: at the end of every step s with (s + 1) % interval == 0 (see also at_end). */
  cls_status (*look)(void *self, int member, int64_t step, cls_view *view);
  /* Collective: all steps before `step` were seen; writes what they complete. */
  cls_status (*flush)(void *self, int64_t step);
  /* Collective, after the last flush: writes what is known at the end only. */
  cls_status (*finish)(void *self);
  /* Collective, after a flush of all steps before record->reached: saves what is known of these steps and is not in the file.
   * Or loads it, before the first step, into a recording that is new or whose file was opened where it was left; positions follow
   * from record->reached. */
  cls_status (*keep)(void *self, const cls_keeper *keeper);
  /* Collective. `whole`: the run came to its end, or stopped because it was asked to. */
  cls_status (*close)(void *self, bool whole);
  void (*free)(void *self); /* local; closes nothing */
} cls_recording;

/* Local. The number of steps in `value` (of `unit_ms` milliseconds each). CLS_ERR_INPUT names `key` where it
 * is not a whole positive number of steps. */
cls_status cls_record_steps(const cls_record *record, const char *key, double value, double unit_ms,
                            int64_t *steps);
/* Collective. Rank 0 creates DIR/`name` and writes what every file carries: the job, seed, version, dt,
 * warm-up, and the tables of populations and regions. `build` then adds the file's own skeleton (called on
 * rank 0 only). All ranks open the result. Where record->continued says so the file is there, and is opened only. */
typedef cls_status (*cls_record_build)(const cls_record *record, void *self, hid_t file);
cls_status cls_record_open(const cls_record *record, const char *name, cls_record_build build, void *self,
                           hid_t *file);
/* Collective, after rows were appended. Where record->sync says so, states in `recorded_ms` how far the file
 * goes and writes it all out: a killed run leaves a file that is readable up to here. */
cls_status cls_record_sync(const cls_record *record, hid_t file);
/* Collective. Marks the file as whole (`complete` = 1) where `whole`, and closes it. */
cls_status cls_record_close(const cls_record *record, hid_t *file, bool whole);
/* Rank 0: the attributes by which readers of SONATA know a file. */
cls_status cls_record_sonata(hid_t file);
/* "GROUP/NAME/LEAF" with the network's name, or "GROUP/NAME_memberK/LEAF" for member K > 0: where SONATA
 * files keep what belongs to a member. LEAF may be "". Freed by the caller; NULL: out of memory. */
char *cls_record_path(const cls_record *record, const char *group, int member, const char *leaf);
/* Local. Is `population` among the chosen ones? */
bool cls_chosen_has(const cls_chosen *chosen, uint32_t population);

/* Sorts keys in ascending order; `scratch` holds as many. */
void cls_sort_u64(uint64_t *keys, uint64_t *scratch, size_t n);

#endif
