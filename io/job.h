/* What the files that read a job share; not for other folders. Each section has one file: its table of keys
 * (schema.h) and a function that reads it into the job. */
#ifndef CALLOSUM_JOB_H
#define CALLOSUM_JOB_H

#include "io/io.h"
#include "io/schema.h"

#define CLS_KEYS(table) ((int)(sizeof(table) / sizeof *(table)))

/* A file that rank 0 reads once the keys of all sections are read: samples of one wave of a waveform (its
 * gate where index is -1), or events where trial_type is given. */
typedef struct {
  const cls_yaml *node; /* for messages */
  char *path;
  const char *dataset, *trial_type;
  double interval_ms;
  cls_waveform *waveform;
  int index;
} cls_wave_file;
/* A waveform that is held against its model when its files are read; level: the strength it multiplies. */
typedef struct {
  const cls_yaml *node;
  const cls_waveform *waveform;
  const cls_model *model;
  double level;
} cls_wave_check;
/* Spike trains whose file is held against the populations it drives, once these are known. */
typedef struct {
  const cls_yaml *node;
  const cls_trains *trains;
} cls_train_check;

/* A job being read. Local; the same on every rank. */
typedef struct {
  const cls_world *world;
  cls_yaml_tree *tree;
  cls_yaml *root;
  cls_job *job;
  double neuron_scale, indegree_scale; /* section `scale:`; 1 where absent */
  cls_wave_file *wave_files;
  cls_wave_check *wave_checks;
  cls_train_check *train_checks;
  size_t n_wave_files, wave_file_capacity, n_wave_checks, wave_check_capacity, n_train_checks,
      train_check_capacity;
} cls_job_reader;

/* The connectome a brain job asks for: a file, or the generator where `file` is NULL. */
typedef struct {
  const cls_yaml *node; /* for messages */
  const char *file;
  cls_generator generator;
} cls_connectome_choice;

/* All sections, for the reference page; NULL-terminated. */
extern const cls_schema *const cls_job_schemas[];
extern const cls_schema cls_schema_simulation, cls_schema_partition, cls_schema_record, cls_schema_rates,
    cls_schema_bold, cls_schema_currents, cls_schema_brain, cls_schema_shares, cls_schema_connectome,
    cls_schema_generator, cls_schema_population, cls_schema_scale, cls_schema_projection, cls_schema_source,
    cls_schema_intervention, cls_schema_tracts, cls_schema_input, cls_schema_input_waveform,
    cls_schema_input_trains, cls_schema_neurons, cls_schema_stimulus, cls_schema_events;

/* Sections that need nothing but the text. Local. */
cls_status cls_job_read_simulation(cls_job_reader *r); /* and partition */
cls_status cls_job_read_record(cls_job_reader *r);
cls_status cls_job_read_sweep(cls_job_reader *r);
/* Written-out networks: fill job->network. Local. */
cls_status cls_job_read_populations(cls_job_reader *r); /* and scale */
cls_status cls_job_read_projections(cls_job_reader *r);
/* Brain jobs. `brain->inputs` is to be freed by the caller, whatever is returned. */
cls_status cls_job_read_brain(cls_job_reader *r, cls_brain *brain, cls_connectome_choice *choice);
/* Section `brain.connectome:` (job_connectome.c). Local. */
cls_status cls_job_read_connectome(cls_job_reader *r, const cls_yaml *node, cls_connectome_choice *choice);
/* Collective: job->connectome, on all ranks. */
cls_status cls_job_fetch_connectome(cls_job_reader *r, const cls_connectome_choice *choice);
/* Local: expands job->connectome into job->network and keeps only the regions that were used. */
cls_status cls_job_expand_brain(cls_job_reader *r, const cls_brain *brain);
/* Local: job->connectome becomes its regions kept[0 ... n-1] (ascending) and the tracts among them. */
cls_status cls_job_keep_regions(cls_job *job, const uint32_t *kept, uint32_t n);
/* Section `interventions:`; job->network holds its populations and is not finished. Local. */
cls_status cls_job_read_interventions(cls_job_reader *r);
/* Are files that are read later there? Of rank 0. */
cls_status cls_job_check_files(cls_job_reader *r);
/* What can only be said of a finished network: the populations whose spikes are recorded, and how much that
 * is. Local. */
cls_status cls_job_check_record(cls_job_reader *r);

/* ---- models (job_model.c) ---- */

/* The model `name`, a neuron or an input as asked; names the nearest where there is none. */
cls_status cls_job_model(const cls_yaml *node, const char *name, bool is_input, const cls_model **model);
/* Section `params:` (NULL: absent) over the values that are in `param`; `owner` is blamed where they do not
 * fit together. */
cls_status cls_job_params(cls_job_reader *r, const cls_yaml *section, const cls_yaml *owner,
                          const cls_model *model, cls_distribution *param);
/* The key that describes a parameter; its field is at `offset`. What the keys of one value cannot say:
 * parameters that are shared, and how they fit together. */
cls_key cls_job_param_key(const cls_param_info *info, size_t offset);
cls_status cls_job_check_params(cls_job_reader *r, const cls_yaml *section, const cls_yaml *owner,
                                const cls_model *model, const cls_distribution *param);
/* Section `initial:`. */
cls_status cls_job_initial(cls_job_reader *r, const cls_yaml *section, cls_population *population);

/* ---- inputs (job_input.c, job_waveform.c, job_stimuli.c) ---- */

/* One element of `inputs:` of neurons of `target`: all but the key of its draws. */
cls_status cls_job_input(cls_job_reader *r, const cls_yaml *node, const cls_model *target, cls_input *input);
/* The same of an element of `stimuli:`, which may hold the keys of `stimulus` too. */
cls_status cls_job_stimulus_input(cls_job_reader *r, const cls_yaml *node, const cls_model *target,
                                  cls_input *input);
/* Keys `waveform:` and `events:` (NULL: absent) of an input whose model and parameters are read. */
cls_status cls_job_waveform(cls_job_reader *r, const cls_yaml *waves, const cls_yaml *events,
                            cls_input *input);
/* The tables of the kinds of waveforms, for the reference page: `*n` of them. */
const cls_schema *cls_job_waveform_schemas(int *n);
/* Section `stimuli:`: attaches inputs to the populations it selects, which must be there. Local. */
cls_status cls_job_read_stimuli(cls_job_reader *r);
/* Collective: rank 0 reads the files of all waveforms; every waveform is checked. */
cls_status cls_job_fetch_waveforms(cls_job_reader *r);
/* Are the files of spike trains what they should be for the populations of the finished network? Of rank
 * 0. */
cls_status cls_job_check_trains(cls_job_reader *r);

/* ---- small things ---- */

/* Refuses a value of `section`'s key `name` that is no multiple of `unit` (to 1e-6 of it); a default, which
 * nobody wrote, is rounded up to one instead. */
cls_status cls_job_multiple(const cls_yaml *section, const char *name, double *value, double unit,
                            const char *unit_name);
/* Collective: all ranks return rank 0's status and have its message. */
cls_status cls_job_agree_root(const cls_world *world, cls_status status);
/* A path that `node` holds, in memory of the caller: relative to the job file's folder where it is written in
 * the file, to the current folder where it comes from --set. */
cls_status cls_job_path(const cls_job_reader *r, const cls_yaml *node, const char *written, char **path);
/* A copy the job owns. */
cls_status cls_job_copy(const char *text, char **copy);

#endif
