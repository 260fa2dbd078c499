/* What the parts of the recorder share: the run they look at, groups of neurons, and counts in time bins. */
#ifndef CALLOSUM_RECORD_H
#define CALLOSUM_RECORD_H

#include "io/hdf5_file.h"
#include "io/io.h"

#define CLS_NO_SLOT UINT32_MAX

/* The run. Borrowed pointers outlive the recorder. */
typedef struct {
  cls_world world;
  const cls_job *job;
  const cls_network *network;
  const cls_placement *placement;
  const cls_layout *layout;
  const char *directory;
  int members;
  int64_t steps; /* length of the run */
  int64_t
      warmup_step; /* statistics look at steps from here on; 0 where the run is shorter than the warm-up */
  int64_t flush_interval; /* steps */
  int64_t reached;        /* step of the last flush */
  bool sync;              /* whether this flush goes through to the disk; the same on all ranks */
} cls_record;

/* Local. The number of steps in `value` (of `unit_ms` milliseconds each). CLS_ERR_INPUT names `key` where it
 * is not a whole positive number of steps. */
cls_status cls_record_steps(const cls_record *record, const char *key, double value, double unit_ms,
                            int64_t *steps);
/* Collective. Rank 0 creates DIR/`name` and writes what every file carries: the job, seed, version, dt,
 * warm-up, and the tables of populations and regions. `build` then adds the file's own skeleton (called on
 * rank 0 only). All ranks open the result. */
typedef cls_status (*cls_record_build)(const cls_record *record, void *self, hid_t file);
cls_status cls_record_open(const cls_record *record, const char *name, cls_record_build build, void *self,
                           hid_t *file);
/* Collective, after rows were appended. Where record->sync says so, states in `recorded_ms` how far the file
 * goes and writes it all out: a killed run leaves a file that is readable up to here. */
cls_status cls_record_sync(const cls_record *record, hid_t file);
/* Collective. Marks the file as whole (`complete` = 1) where `whole`, and closes it. */
cls_status cls_record_close(const cls_record *record, hid_t *file, bool whole);

/* ---- groups: neurons whose spikes are counted together, all those of a population or of a region ----
 *
 * A group's neurons may be spread over ranks. Every rank sums what it has, per slot (a group with neurons
 * here); the sums meet at the group's owner, the rank that holds the first block of the group's first
 * population. Only ranks that share a group talk to each other. */
typedef struct {
  MPI_Comm comm;
  int rank, ranks;
  uint32_t n_groups, n_slots, n_owned;
  int32_t *owner;           /* [n_groups] */
  uint64_t *size;           /* [n_groups] neurons, on all ranks */
  uint32_t *owned;          /* [n_owned] groups of this rank, ascending */
  uint32_t *by_owner;       /* [n_groups] groups in order (owner, group) */
  uint32_t *by_owner_first; /* [ranks + 1] */
  uint32_t *slot_of_range;  /* [layout ranges], CLS_NO_SLOT: in no group */
  uint32_t *slot_of_16;     /* slot of local index i is slot_of_16[i / 16] */
  struct cls_group_peer_ *sends, *receives;
  uint32_t n_sends, n_receives;
  uint32_t *received; /* positions among `owned` of what arrives, for all receives in a row */
} cls_groups;

/* Local. group_of[p]: group of population p, or CLS_NO_SLOT. */
cls_status cls_groups_create(const cls_record *record, const uint32_t *group_of, uint32_t n_groups,
                             cls_groups *groups);
void cls_groups_destroy(cls_groups *groups);
/* Collective (point to point among ranks that share groups). Sums `local` [rows][n_slots][width] over ranks
 * into `owned` [rows][n_owned][width]. Rows and width are the same on all ranks. */
cls_status cls_groups_sum(const cls_groups *groups, uint64_t rows, uint32_t width, const int64_t *local,
                          int64_t *owned);
/* Collective. Turns owned columns into whole rows: rank r receives rows first[r] ... first[r + 1] - 1 of all
 * groups. `owned` [rows][n_owned] and `whole` [rows here][n_groups], cells of `bytes` bytes. */
cls_status cls_groups_rows(const cls_groups *groups, const uint64_t *first, size_t bytes, const void *owned,
                           void *whole);
/* Even split of `rows` rows, each `unit` long, over the ranks: first[ranks + 1]. */
void cls_split_rows(int ranks, uint64_t rows, uint64_t unit, uint64_t *first);

/* ---- bins: spikes per slot in consecutive intervals of time ---- */
typedef struct {
  const cls_groups *groups;
  int members;
  int64_t bin_steps;
  int64_t base;    /* bin in row 0 */
  size_t capacity; /* bins */
  size_t used;     /* bins that hold a spike or lie before one that does */
  int64_t *count;  /* [capacity][members][n_slots] */
} cls_bins;

cls_status cls_bins_create(const cls_groups *groups, int members, int64_t bin_steps, int64_t flush_interval,
                           cls_bins *bins);
void cls_bins_destroy(cls_bins *bins);
/* Local: one addition per spike. */
cls_status cls_bins_add(cls_bins *bins, int member, const cls_spikes *spikes);
/* Local. Bins that are complete when all steps before `step` were seen; their counts are the first rows of
 * bins->count (made to exist where nobody spiked). */
cls_status cls_bins_complete(cls_bins *bins, int64_t step, size_t *n);
/* Local. Forgets the first n bins. */
void cls_bins_drop(cls_bins *bins, size_t n);

/* Sorts keys in ascending order; `scratch` holds as many. */
void cls_sort_u64(uint64_t *keys, uint64_t *scratch, size_t n);

#endif
