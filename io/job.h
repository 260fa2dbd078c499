/* What the files that read a job share; not for other folders. Each section has one file: its table of keys
 * (schema.h) and a function that reads it into the job. */
#ifndef CALLOSUM_JOB_H
#define CALLOSUM_JOB_H

#include "io/empirical.h"
#include "io/region_table.h"
#include "io/schema.h"

#define CLS_KEYS(table) ((int)(sizeof(table) / sizeof *(table)))

/* A file that a population (positions) or a projection (its synapses) names, to be read when the text is
 * known to be right. */
typedef struct {
  const cls_yaml *node;     /* the key that names the file, for messages */
  bool positions;           /* else synapses */
  uint32_t index;           /* of the population or projection */
  const char *file, *inner; /* as written; the dataset or group within */
} cls_job_file;

/* Section `scale:` (job_scale.c). */
typedef struct cls_job_scale_ cls_job_scale;
/* What a brain job says about units (job_units.c, job_unit_of.c). Owns all but the nodes and the name. */
typedef struct {
  cls_region_unit *units;     /* those that are known, then the job's own */
  const cls_yaml **params;    /* `params:` of each, or NULL */
  const cls_yaml **params_of; /* `params_of:` of each, or NULL */
  uint32_t n;
  const cls_yaml *node; /* of `unit`, for messages */
  const char *name;     /* unit of regions that nothing else names */
  const cls_yaml *table_node;
  cls_region_table *table;                   /* NULL: none */
  uint32_t *unit_of;                         /* [regions of the connectome] */
  double *density;                           /* [regions of the connectome] */
  cls_distribution (*param)[CLS_MAX_PARAMS]; /* [n x CLS_UNIT_POPULATIONS] */
} cls_job_units;
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
  cls_job_scale *scale; /* NULL: a brain */
  cls_job_file *files;
  size_t n_files, file_capacity;
  cls_job_units units;             /* of a brain */
  const cls_yaml *empirical_file;  /* of record.empirical_bold, for messages */
  cls_empirical_request empirical; /* path NULL: none */
  cls_wave_file *wave_files;
  cls_wave_check *wave_checks;
  cls_train_check *train_checks;
  size_t n_wave_files, wave_file_capacity, n_wave_checks, wave_check_capacity, n_train_checks,
      train_check_capacity;
} cls_job_reader;

/* The connectome a brain job asks for: a file, or the generator where `file` is NULL. */
typedef struct {
  const cls_yaml *node, *lengths, *regions; /* of the files, for messages */
  const char *file;
  cls_connectome_options options; /* paths as written */
  cls_generator generator;
} cls_connectome_choice;

/* All sections, for the reference page; NULL-terminated. */
extern const cls_schema *const cls_job_schemas[];
extern const cls_schema cls_schema_simulation, cls_schema_partition, cls_schema_record, cls_schema_rates,
    cls_schema_bold, cls_schema_currents, cls_schema_lfp, cls_schema_spectra, cls_schema_trace,
    cls_schema_brain, cls_schema_shares, cls_schema_unit, cls_schema_unit_population, cls_schema_unit_of,
    cls_schema_density, cls_schema_connectome, cls_schema_lengths, cls_schema_generator, cls_schema_empirical,
    cls_schema_population, cls_schema_scale, cls_schema_projection, cls_schema_source, cls_schema_positions,
    cls_schema_kernel, cls_schema_delay, cls_schema_distance, cls_schema_intervention, cls_schema_tracts,
    cls_schema_input, cls_schema_input_waveform, cls_schema_input_trains, cls_schema_neurons,
    cls_schema_stimulus, cls_schema_events, cls_schema_plasticity, cls_schema_stdp, cls_schema_short_term,
    cls_schema_weights, cls_schema_checkpoint, cls_schema_assimilation, cls_schema_localisation,
    cls_schema_inflation, cls_schema_hyperparameter, cls_schema_hyper_input, cls_schema_prior,
    cls_schema_process, cls_schema_observation, cls_schema_rescale, cls_schema_twin;

/* Key `subject` (job_subject.c): collective, of a tree whose sections are not read yet. It is gone afterwards. */
cls_status cls_job_fill_subject(cls_job_reader *r);
/* Sections that need nothing but the text. Local. */
cls_status cls_job_read_simulation(cls_job_reader *r); /* and partition */
cls_status cls_job_read_record(cls_job_reader *r);
cls_status cls_job_read_empirical(cls_job_reader *r, const cls_yaml *node); /* record.empirical_bold */
cls_status cls_job_read_sweep(cls_job_reader *r);
cls_status cls_job_read_checkpoint(cls_job_reader *r);
/* What bits can depend on (job_science.c): job->science and its hash. Local. */
cls_status cls_job_find_science(cls_job_reader *r);
/* Collective, when all is read: puts what the files of connectomes, waveforms and spike trains hold into job->science_hash. */
cls_status cls_job_mix_content(cls_job_reader *r);
/* Puts the hash of a file, or of what was made of it, into the job's hashes. */
void cls_job_mix(cls_job *job, uint64_t hash);
/* Written-out networks: fill job->network. Local. */
cls_status cls_job_read_populations(cls_job_reader *r);
cls_status cls_job_read_projections(cls_job_reader *r);
/* Section `positions:` of a population (job_spatial.c). Local. */
cls_status cls_job_read_positions(cls_job_reader *r, const cls_yaml *section, uint32_t population);
/* The values of `probability:` and `delay_ms:` that know of distance, or plain ones. Local. */
cls_status cls_job_read_probability(cls_job_reader *r, const cls_yaml *node, double *probability,
                                    cls_kernel *kernel);
cls_status cls_job_read_delay(cls_job_reader *r, const cls_yaml *node, cls_distribution *delay_ms,
                              double *velocity_mm_ms);
/* Key `plasticity:` of a projection onto a port, whose weights are drawn from `weight` (NULL: they are listed). Local. */
cls_status cls_job_read_plasticity(cls_job_reader *r, const cls_yaml *node, const cls_port_info *port,
                                   const cls_yaml *weight_node, const cls_distribution *weight,
                                   cls_plasticity *plasticity);
/* Files of positions and synapses (job_files.c): noted while the text is read (local), then read by rank 0,
 * checked, and opened by all (collective). */
cls_status cls_job_note_file(cls_job_reader *r, const cls_job_file *file);
cls_status cls_job_load_files(cls_job_reader *r);
/* Brain jobs. `brain->inputs` is to be freed by the caller, whatever is returned. */
cls_status cls_job_read_brain(cls_job_reader *r, cls_brain *brain, cls_connectome_choice *choice);
/* Section `brain.connectome:` (job_connectome.c). Local. */
cls_status cls_job_read_connectome(cls_job_reader *r, const cls_yaml *node, cls_connectome_choice *choice);
/* Collective: job->connectome, on all ranks. */
cls_status cls_job_fetch_connectome(cls_job_reader *r, const cls_connectome_choice *choice);
/* Local: expands job->connectome into job->network and keeps only the regions that were used. */
cls_status cls_job_expand_brain(cls_job_reader *r, cls_brain *brain);
/* Shares of a neuron's synapses: local E, local I, long range; made to sum to 1. */
cls_status cls_job_read_shares(cls_job_reader *r, const cls_yaml *node, double shares[3]);
/* Units (job_units.c). `map`: brain.units, NULL where absent; `shares` (NULL: those of the unit) and
 * `excitatory_share` are those of pairs that the job says nothing else of. Local. */
cls_status cls_job_read_units(cls_job_reader *r, const cls_yaml *map, double excitatory_share,
                              const double *shares);
void cls_job_units_free(cls_job_units *units);
/* Reads `params:` and then `params_of:` of unit number `unit` over the values in `param`, for its
 * population number `population`. */
cls_status cls_job_unit_params(cls_job_reader *r, uint32_t unit, uint32_t population, const cls_model *model,
                               cls_distribution *param);
int cls_job_find_unit(const cls_job_units *units, const char *name); /* -1: none */
/* Which regions are which (job_unit_of.c): what the text alone decides; then the table, collective,
 * fetched by rank 0; then, of job->connectome, `brain`'s units, unit_of and densities. */
cls_status cls_job_read_unit_of(cls_job_reader *r, const cls_yaml *brain, const char *name);
cls_status cls_job_fetch_unit_table(cls_job_reader *r);
cls_status cls_job_assign_units(cls_job_reader *r, cls_brain *brain);
/* Local: job->connectome becomes its regions kept[0 ... n-1] (ascending) and the tracts among them. */
cls_status cls_job_keep_regions(cls_job *job, const uint32_t *kept, uint32_t n);
/* Section `interventions:`; job->network holds its populations and is not finished. Local. */
cls_status cls_job_read_interventions(cls_job_reader *r);
/* Collective, after the network is finished: job->empirical, on rank 0. */
cls_status cls_job_fetch_empirical(cls_job_reader *r);
/* Are files that are read later there? Of rank 0. */
cls_status cls_job_check_files(cls_job_reader *r);
/* What can only be said of a finished network: the populations that recordings are about, and how much will
 * be recorded. Local. */
cls_status cls_job_check_record(cls_job_reader *r);
void cls_job_free_record(cls_record_options *record);
/* Refuses what cannot be a part of a recording's file name. */
cls_status cls_job_check_name(const cls_yaml *node, const char *name);
/* Section `record.traces` (job_trace.c), of a finished network. */
cls_status cls_job_read_traces(cls_job_reader *r, const cls_yaml *traces);
void cls_job_warn_of_traces(const cls_job_reader *r); /* what readers of their files may stumble over */
void cls_job_free_traces(cls_record_options *record);
/* Section `record.weights` (job_weights.c), of a finished network. */
cls_status cls_job_read_weights(cls_job_reader *r, const cls_yaml *weights);
void cls_job_free_weights(cls_record_options *record);
/* Refuses recordings whose expected size is above record.max_gb (job_record_size.c). */
cls_status cls_job_check_size(cls_job_reader *r, const cls_yaml *section);

/* ---- assimilation (job_assimilation.c) ---- */

/* Section `assimilation:`, of a finished network. Local. */
cls_status cls_job_read_assimilation(cls_job_reader *r);
/* How many cycles there are where files hold `volumes` (0: a twin). Local. */
cls_status cls_job_settle_cycles(cls_job_reader *r, uint32_t volumes);
/* Collective: rank 0 reads the files of observations. */
cls_status cls_job_fetch_observations(cls_job_reader *r);
void cls_job_free_assimilation(cls_assimilation_options *assimilation);
/* Collective, last of all: job->assimilation_hash. */
cls_status cls_job_hash_assimilation(cls_job_reader *r);

/* ---- scale (job_scale.c) ---- */

/* Reads the section. Local. */
cls_status cls_job_read_scale(cls_job_reader *r);
void cls_job_scale_destroy(cls_job_scale *scale); /* NULL is fine */
/* Neurons of a population that is written with n; `node` is blamed where its expected rate is needed and
 * missing. To be called for every population in its order. */
cls_status cls_job_scale_population(cls_job_reader *r, const cls_yaml *node, int64_t written, uint64_t *n);
/* Numbers of a rule in a network that is shrunk: every neuron keeps its part of its synapses. To be called
 * for every projection after it was added, with what was written. */
cls_status cls_job_scale_projection(cls_job_reader *r, const cls_yaml *node, uint32_t projection);
/* Weights, background and constant currents that make up for the synapses which are left out. To be called
 * when the network is complete but not finished. Local. */
cls_status cls_job_compensate(cls_job_reader *r);

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
/* By which draws of a stimulus on a population are keyed, and by which it is found among its inputs. */
cls_status cls_job_stimulus_key(const char *stimulus, const char *population, uint64_t *key);
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
/* Collective: a file's text, read by rank 0, on all ranks. `*text` is NULL before and freed by the caller,
 * whatever is returned. `what` names its kind in messages. */
cls_status cls_job_fetch_text(const cls_world *world, const char *path, const char *what, char **text,
                              size_t *size);
/* Local. Puts the job's file in front of what the network said; numbers too large for a stated width are the
 * job's fault: CLS_ERR_INPUT. */
cls_status cls_job_blame(const cls_job_reader *r, cls_status status);
/* Collective: all ranks return rank 0's status and have its message. */
cls_status cls_job_agree_root(const cls_world *world, cls_status status);
/* A path that `node` holds, in memory of the caller: relative to the job file's folder where it is written in
 * the file, to the current folder where it comes from --set. */
cls_status cls_job_path(const cls_job_reader *r, const cls_yaml *node, const char *written, char **path);
/* A value as the right-hand side of an option key=value: YAML in one line, to be freed. CLS_ERR_INPUT where it needs several. */
cls_status cls_job_line(const cls_yaml *node, char **text);
/* A copy the job owns. */
cls_status cls_job_copy(const char *text, char **copy);

#endif
