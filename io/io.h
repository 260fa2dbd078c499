/* Files: jobs, connectomes, recordings. */
#ifndef CALLOSUM_IO_H
#define CALLOSUM_IO_H

#include "engine/engine.h"
#include "io/assimilation_options.h"
#include "network/connectome.h"

/* ---- notes ---- */

/* What a reader decided about untidy data, one line each, in the order decided: readers print nothing. Start
 * with {0}. */
typedef struct {
  char **lines;
  size_t n, capacity;
} cls_notes;
/* printf into a new line; nothing where notes is NULL. */
cls_status cls_note(cls_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cls_notes_free(cls_notes *notes);

/* ---- job files ---- */

/* Populations chosen for a recording: `n` of them, ascending; they may be none though it is wanted. */
typedef struct {
  bool wanted;
  uint32_t *population;
  uint32_t n;
} cls_chosen;

/* An element of `record.traces`: states of chosen neurons. */
typedef struct {
  char *name;
  cls_chosen populations;
  uint32_t
      first; /* the first so many neurons of each population, all of a smaller one; 0: those of `index` */
  uint32_t *index; /* in each population, ascending */
  uint32_t n_index;
  const char **variables; /* names of states that all these populations' models have; owned by the models */
  int n_variables;
  double interval_ms;
} cls_trace;

/* An element of `record.weights`: weights of synapses with STDP. */
typedef struct {
  char *name;
  uint32_t *projection; /* their numbers, ascending */
  uint32_t n;
  double sample; /* share of the synapses, drawn for each */
  double interval_ms;
} cls_weights;

/* Neurons of population `population` that a trace shows. */
uint64_t cls_trace_neurons(const cls_trace *trace, const cls_network *network, uint32_t population);

/* Section `record:`. Intervals of 0: not recorded. */
typedef struct {
  double warmup_ms; /* default: 20000 where BOLD is recorded, else 500 */
  cls_chosen spikes;
  double max_gb;               /* estimate above which recordings are refused, default 4 */
  double rates_bin_ms;         /* population rates (rates: {bin_ms: 1}) */
  double bold_tr_s;            /* region BOLD (bold: {tr_s: .8}) */
  double currents_interval_ms; /* population means of synaptic currents (currents: {interval_ms: 1}) */
  double lfp_interval_ms;      /* proxies of the local field potential (lfp: {interval_ms: 1}) */
  double spectra_bin_ms, spectra_segment_ms; /* power spectra of rates */
  cls_chosen spectra, neurons; /* of which populations; counts and irregularity of all their neurons */
  cls_trace *traces;
  int n_traces;
  cls_weights *weights;
  int n_weights;
  double flush_ms;      /* biology between flushes of the files, default 1000 */
  char *empirical_bold; /* path of a file with measured BOLD for fc_empirical_r; NULL: none */
} cls_record_options;

/* Measured signals (record.empirical_bold, assimilation.observations), columns in the order of the network's regions. */
typedef struct cls_empirical_ {
  uint64_t volumes;
  uint32_t regions;
  double *data; /* [volume][region], as measured */
  double tr_s;  /* NaN: not stated */
  bool by_name; /* columns were matched by the names of regions, else by their order */
  char *origin; /* the file's name */
} cls_empirical;

/* Section `checkpoint:`. Without it, checkpoints are written where a signal asks for one. */
typedef struct {
  double every_s;   /* wall time between checkpoints, 0: none because of that */
  int64_t interval; /* steps between checkpoints, 0: none because of that */
  int keep;         /* how many stay */
  bool at_end;      /* also when the run is complete */
} cls_checkpoint_options;

/* A key of section `sweep:` and the values it takes, each as YAML in one line. */
typedef struct {
  char *key; /* "brain.params.g_AMPA_mS_cm2" */
  char **values;
  uint32_t n;
} cls_sweep_axis;

/* A job as read: every value checked, defaults filled in. */
typedef struct {
  char *path;    /* of the file */
  char *text;    /* as run: the file's text with --set applied, YAML; goes into every output file */
  uint64_t hash; /* of text, and of the synapses and positions it lists in files */
  /* The same of what bits can depend on: without sections `checkpoint`, `partition`, `sweep` and `assimilation` and keys
   * `simulation.backend` and `simulation.beat_ms`. Files it names by what they hold. */
  char *science;
  uint64_t science_hash;
  double duration_ms, dt_ms, beat_ms;
  uint64_t seed;
  char *backend;
  int members;
  cls_record_options record;
  char *partition_method;
  cls_checkpoint_options checkpoint;
  cls_sweep_axis
      *sweep; /* [n_sweep], in the order of the file; the job itself has the values it was written with */
  uint32_t n_sweep;
  cls_network *network;       /* finished */
  cls_connectome *connectome; /* brain jobs: the regions kept, in the network's region order; else NULL */
  uint32_t listed_regions;    /* brain jobs: regions of the connectome before some were dropped, */
  uint32_t *kept_regions;     /* and which were kept, ascending; NULL: all */
  cls_empirical *empirical;   /* on rank 0; NULL: none */
  cls_assimilation_options assimilation;
  /* Of `science`, section `assimilation` (without keys that bits cannot depend on: cycles, groups, min_members, checkpoint_every)
   * and what its files hold. 0 where the job has no such section. */
  uint64_t assimilation_hash;
} cls_job;

/* Collective. Rank 0 reads the file (and the connectome it names, relative to the job file), all ranks parse
 * the same text. `set`: n_set strings "key.path=value". Bad input: CLS_ERR_INPUT on all ranks with one
 * message "FILE:LINE: KEY: VALUE ...: expected ...". */
cls_status cls_job_load(const cls_world *world, const char *path, const char *const *set, int n_set,
                        cls_job **job);
void cls_job_destroy(cls_job *job);
/* Local. Every key of a job file with its type, unit, default and range, as Markdown tables made from the tables
 * the reader works by. Free the text. */
cls_status cls_job_reference(char **text);

/* Points of the grid of `sweep:` (1 without one), and which value of an axis point number `point` has: the last
 * axis runs fastest. */
uint32_t cls_sweep_points(const cls_job *job);
uint32_t cls_sweep_choice(const cls_job *job, uint32_t point, uint32_t axis);

/* A recording and the bytes it is expected to take, at the expected rates. */
typedef struct {
  char name[96]; /* "spikes.h5" */
  double bytes;
} cls_recording_size;
/* Local. All recordings the job asks for: *sizes (freed by the caller), *n of them. */
cls_status cls_job_recording_sizes(const cls_job *job, cls_recording_size **sizes, int *n);

/* ---- connectomes ---- */

/* What a connectome's file must be; else it is found by content. */
typedef enum {
  CLS_FORMAT_ANY,
  CLS_FORMAT_TVB,    /* the zip of The Virtual Brain, or our HDF5 layout */
  CLS_FORMAT_MATLAB, /* v5 or v7.3 */
  CLS_FORMAT_CSV,    /* or TSV, or white space */
  CLS_FORMAT_MRTRIX, /* tck2connectome */
  CLS_FORMAT_BIDS,   /* *_relmat.tsv: names in a header, a dense matrix or a list of entries */
  CLS_FORMAT_MTX     /* Matrix Market coordinates */
} cls_connectome_format;
typedef enum { CLS_UNIT_UNSTATED, CLS_UNIT_MM, CLS_UNIT_CM, CLS_UNIT_M } cls_length_unit;
typedef enum { CLS_ROW_IS_TARGET, CLS_ROW_IS_SOURCE } cls_matrix_orientation;
/* What becomes of the two directions of a pair. Unstated: none, but a matrix with one triangle only is
 * refused (that of tck2connectome, which says so, is mirrored). Lengths: the mean of those known; with the
 * upper triangle its own. */
typedef enum {
  CLS_SYMMETRISE_UNSTATED,
  CLS_SYMMETRISE_NONE,
  CLS_SYMMETRISE_MEAN,
  CLS_SYMMETRISE_MAX,
  CLS_SYMMETRISE_UPPER
} cls_symmetrise;
/* The first row and column, where streamlines end that belong to no region. Auto: dropped where the file
 * says that it has them, or where it has one row more than the table of regions. */
typedef enum { CLS_UNASSIGNED_AUTO, CLS_UNASSIGNED_KEEP, CLS_UNASSIGNED_DROP } cls_unassigned;

/* {0} are the defaults. */
typedef struct {
  cls_connectome_format format;
  const char *variable;         /* of a MATLAB file; NULL: its only square matrix */
  const char *lengths;          /* file with the lengths of tracts; NULL: none */
  const char *lengths_variable; /* in it */
  cls_length_unit lengths_unit; /* unstated: as a JSON file beside them says, else mm */
  const char *regions;          /* table of regions; NULL: none */
  cls_matrix_orientation orientation;
  cls_symmetrise symmetrise;
  cls_unassigned unassigned;
} cls_connectome_options;

/* Local. By content: a zip in the layout of The Virtual Brain, our HDF5 layout, MATLAB, Matrix Market, or
 * text. `options` and `notes` may be NULL. CLS_ERR_INPUT names file and place. What is decided on the way is
 * noted; decisions about lengths of 0 and missing sizes are left to cls_network_add_brain. */
cls_status cls_connectome_read(const char *path, const cls_connectome_options *options, cls_notes *notes,
                               cls_connectome **connectome);
/* Local. Writes our HDF5 layout (datasets /regions/..., /tracts/..., units as attributes), replacing the file
 * only when complete. */
cls_status cls_connectome_write(const char *path, const cls_connectome *connectome);

/* ---- recordings ---- */

typedef struct cls_recorder_ cls_recorder;

/* What the statistics at the end of a run say of a member after the warm-up; NaN where they do not apply. */
typedef struct {
  double mean_rate_hz, isi_cv_median, spike_correlation_mean;
  double fc_mean, sc_fc_r, fc_empirical_r;
  double fc_seconds;               /* length of BOLD behind the functional connectivity */
  double rate_min_hz, rate_max_hz; /* over regions (populations where there are none) */
} cls_statistics;

/* Who knows this rank's plastic synapses: list() is cls_engine_plastic() of the engine `self`. */
typedef struct {
  const void *self;
  cls_status (*list)(const void *self, uint32_t projection, cls_plastic_synapse **list, size_t *n);
} cls_plastic_lister;

/* Collective. Creates DIR/spikes.h5, rates.h5, bold.h5 ... as the job asks (one file each for all ranks) and
 * gives the observer to attach. `plastic` (copied) is asked where weights are recorded; `steps`: length of the
 * run. */
cls_status cls_recorder_create(const cls_world *world, const cls_job *job, const cls_placement *placement,
                               const cls_layout *layout, const cls_plastic_lister *plastic,
                               const char *directory, int64_t steps, cls_recorder **recorder);
/* Collective. Saves what the recorder knows of the steps before `step`, which were flushed, and what its files are now: from
 * within cls_saver.save. Or loads it, when the engine was loaded and knows the recorder, before it runs; the recorder was then
 * created by cls_recorder_continue. Arrays "recorder/...". */
cls_status cls_recorder_keep(cls_recorder *recorder, cls_engine *engine, int64_t step,
                             const cls_keeper *keeper);
/* Collective. As cls_recorder_create, but makes the files of the folder again what they were when `keeper` (loading) was saved
 * at step `begin`, and goes on in them. */
cls_status cls_recorder_continue(const cls_world *world, const cls_job *job, const cls_placement *placement,
                                 const cls_layout *layout, const cls_plastic_lister *plastic,
                                 const char *directory, int64_t steps, int64_t begin,
                                 const cls_keeper *keeper, cls_recorder **recorder);
const cls_observer *cls_recorder_observer(const cls_recorder *recorder);
/* Collective, after the run. Fills statistics[members of the job]. */
cls_status cls_recorder_finish(cls_recorder *recorder, cls_statistics *statistics);
/* Collective (closes files). */
void cls_recorder_destroy(cls_recorder *recorder);
/* Local. Makes the recordings in a folder whose run was killed what they were when they were written out last (they may not be
 * readable as they lie); *n: how many needed it. Nothing is done where a run is at work there. CLS_ERR_IO names what could not
 * be written. */
cls_status cls_recordings_repair(const char *directory, int *n);

#endif
