/* A job from file to network. Rank 0 reads files, all ranks parse the same text and come to the same end. */
#include "io/job.h"
#include "io/file.h"
#include "io/selection.h"
#include <stdlib.h>
#include <string.h>

/* What the file holds at its top. */
typedef struct {
  const char *subject;
  const cls_yaml *simulation, *brain, *populations, *projections, *scale, *stimuli, *interventions, *record,
      *partition, *checkpoint, *sweep, *assimilation;
} sections;
static const cls_key keys[] = {
    {"simulation", CLS_KEY_MAP, offsetof(sections, simulation), .required = true,
     .doc = "how long and how fine"},
    {"subject", CLS_KEY_TEXT, offsetof(sections, subject),
     .doc =
         "folder of a person, relative to the job file: its connectome and BOLD fill in what "
         "brain.connectome, the first observation of kind bold without a file, and, beside record.bold, "
         "record.empirical_bold leave open. Either structural/DTI_CM.mat, structural/DTI_LEN.mat and "
         "functional/BOLD_rsfMRI.mat (variables sc, len in mm, and tc), or BIDS derivatives, in the folder "
         "or "
         "in one session ses-*: connectivity/*_relmat.tsv, functional ones left out (lengths where the name "
         "says length), func/*_timeseries.tsv, *_dseg.tsv. Tracts get the mean of both directions unless "
         "symmetrise is stated"},
    {"brain", CLS_KEY_MAP, offsetof(sections, brain),
     .doc = "a network made from a connectome; or populations"},
    {"populations", CLS_KEY_LIST, offsetof(sections, populations),
     .doc = "a network that is written out; or brain"},
    {"projections", CLS_KEY_LIST, offsetof(sections, projections), .doc = "its synapses"},
    {"scale", CLS_KEY_MAP, offsetof(sections, scale), .doc = "shrinks it"},
    {"stimuli", CLS_KEY_LIST, offsetof(sections, stimuli), .doc = "inputs to selected populations"},
    {"interventions", CLS_KEY_LIST, offsetof(sections, interventions), .doc = "what changes while it runs"},
    {"record", CLS_KEY_MAP, offsetof(sections, record), .doc = "what is written down"},
    {"partition", CLS_KEY_MAP, offsetof(sections, partition), .doc = "how neurons are placed on ranks"},
    {"checkpoint", CLS_KEY_MAP, offsetof(sections, checkpoint), .doc = "when its state is saved"},
    {"sweep", CLS_KEY_MAP, offsetof(sections, sweep),
     .doc = "{key.path: [values], ...}: a grid of runs, for callosum sweep"},
    {"assimilation", CLS_KEY_MAP, offsetof(sections, assimilation),
     .doc = "an ensemble that follows recordings, for callosum assimilate; callosum run replays it"},
};
static const cls_schema schema_job = {"", "A job.", keys, CLS_KEYS(keys)};
const cls_schema *const cls_job_schemas[] = {&schema_job,
                                             &cls_schema_simulation,
                                             &cls_schema_brain,
                                             &cls_schema_connectome,
                                             &cls_schema_lengths,
                                             &cls_schema_generator,
                                             &cls_schema_shares,
                                             &cls_schema_unit_of,
                                             &cls_schema_unit,
                                             &cls_schema_unit_population,
                                             &cls_schema_density,
                                             &cls_schema_population,
                                             &cls_schema_positions,
                                             &cls_schema_projection,
                                             &cls_schema_source,
                                             &cls_schema_plasticity,
                                             &cls_schema_stdp,
                                             &cls_schema_short_term,
                                             &cls_schema_kernel,
                                             &cls_schema_delay,
                                             &cls_schema_distance,
                                             &cls_schema_scale,
                                             &cls_schema_record,
                                             &cls_schema_rates,
                                             &cls_schema_bold,
                                             &cls_schema_empirical,
                                             &cls_schema_currents,
                                             &cls_schema_lfp,
                                             &cls_schema_spectra,
                                             &cls_schema_trace,
                                             &cls_schema_weights,
                                             &cls_schema_partition,
                                             &cls_schema_checkpoint,
                                             &cls_schema_assimilation,
                                             &cls_schema_hyperparameter,
                                             &cls_schema_hyper_input,
                                             &cls_schema_prior,
                                             &cls_schema_process,
                                             &cls_schema_observation,
                                             &cls_schema_rescale,
                                             &cls_schema_localisation,
                                             &cls_schema_inflation,
                                             &cls_schema_twin,
                                             &cls_schema_intervention,
                                             &cls_schema_tracts,
                                             &cls_schema_selection,
                                             &cls_schema_input,
                                             &cls_schema_input_waveform,
                                             &cls_schema_input_trains,
                                             &cls_schema_neurons,
                                             &cls_schema_stimulus,
                                             &cls_schema_events,
                                             NULL};

/* ---- what rank 0 knows ---- */

enum { MAX_FILE_BYTES = 64 << 20 };

/* Collective: `bytes` bytes from rank 0. */
static cls_status broadcast(const cls_world *world, void *data, int bytes) {
  CLS_CHECK(MPI_Bcast(data, bytes, MPI_BYTE, 0, world->comm) == MPI_SUCCESS, CLS_ERR_MPI,
            "job: broadcast of %d bytes failed", bytes);
  return CLS_OK;
}

cls_status cls_job_agree_root(const cls_world *world, cls_status status) {
  char message[2048] = "";
  int code = (int)status;
  if (world->rank == 0 && status != CLS_OK) snprintf(message, sizeof message, "%s", cls_error_message());
  CLS_TRY(broadcast(world, &code, sizeof code));
  if (code == CLS_OK) return CLS_OK;
  CLS_TRY(broadcast(world, message, sizeof message));
  return cls_fail((cls_status)code, "%s", message);
}

cls_status cls_job_fetch_text(const cls_world *world, const char *path, const char *what, char **text,
                              size_t *size) {
  cls_status status = world->rank == 0 ? cls_file_read(path, what, MAX_FILE_BYTES, text, size) : CLS_OK;
  CLS_TRY(cls_job_agree_root(world, status));
  uint64_t bytes = *size;
  CLS_TRY(broadcast(world, &bytes, sizeof bytes));
  *size = (size_t)bytes;
  size_t capacity = 0;
  if (world->rank != 0) status = cls_grow(text, &capacity, *size + 1, 1, what);
  CLS_TRY(cls_agree(world->comm, status));
  return broadcast(world, *text, (int)bytes);
}

/* ---- from text to job ---- */

static cls_status check_top(cls_job_reader *r) {
  sections s = {0};
  char words[128];
  if (r->root->kind != CLS_YAML_MAP)
    return cls_yaml_fail(r->root, "%s: expected a mapping of sections",
                         cls_yaml_describe(r->root, words, sizeof words));
  CLS_TRY(cls_schema_read(r->tree, r->root, keys, CLS_KEYS(keys), &s));
  if (!s.brain == !s.populations)
    return cls_yaml_fail(s.brain ? s.brain : r->root, "%s: expected exactly one of 'brain' and 'populations'",
                         s.brain ? "stands beside 'populations'" : "no network");
  return CLS_OK;
}

/* Local: the tree, from the text and the options. */
static cls_status read_tree(cls_job_reader *r, const char *text, size_t size, const char *const *set,
                            int n_set) {
  CLS_TRY(cls_yaml_tree_create(&r->tree));
  CLS_TRY(cls_yaml_parse(r->tree, text, size, r->job->path, true, &r->root));
  for (int i = 0; i < n_set; i++) CLS_TRY(cls_yaml_set(r->tree, r->root, set[i]));
  return check_top(r);
}

/* Local: everything that the tree alone decides. */
static cls_status read_text(cls_job_reader *r, cls_brain *brain, cls_connectome_choice *choice) {
  cls_job *job = r->job;
  CLS_TRY(cls_yaml_emit(r->root, &job->text));
  job->hash = cls_hash_string(job->text);
  CLS_TRY(cls_job_find_science(r));
  CLS_TRY(cls_job_read_simulation(r));
  CLS_TRY(cls_job_read_checkpoint(r));
  CLS_TRY(cls_job_read_sweep(r));
  CLS_TRY(cls_job_read_record(r));
  bool is_brain = cls_yaml_get(r->root, "brain") != NULL;
  CLS_TRY(cls_network_create(is_brain ? "brain" : "network", job->dt_ms, job->seed, &job->network));
  if (is_brain) return cls_job_read_brain(r, brain, choice);
  CLS_TRY(cls_job_read_scale(r));
  CLS_TRY(cls_job_read_populations(r));
  return cls_job_read_projections(r);
}

/* Local: all populations, and the stimuli that act on them. Scaling makes up for what was written into the
 * populations; stimuli come on top. */
static cls_status expand(cls_job_reader *r, cls_brain *brain) {
  if (brain->model) CLS_TRY(cls_job_expand_brain(r, brain));
  if (r->scale) CLS_TRY(cls_job_compensate(r));
  return cls_job_read_stimuli(r);
}

cls_status cls_job_blame(const cls_job_reader *r, cls_status status) {
  return cls_error_prefix(status == CLS_ERR_LIMIT ? CLS_ERR_INPUT : status, "%s", r->job->path);
}

/* Local: the network, whole and checked. */
static cls_status finish(cls_job_reader *r) {
  CLS_TRY(cls_job_read_interventions(r));
  const cls_status status = cls_network_finish(r->job->network);
  if (status != CLS_OK) return cls_job_blame(r, status);
  CLS_TRY(cls_job_check_record(r));
  return cls_job_read_assimilation(r);
}

static cls_status load(cls_job_reader *r, const char *text, size_t size, const char *const *set, int n_set,
                       cls_brain *brain) {
  cls_connectome_choice choice = {0};
  CLS_TRY(cls_agree(r->world->comm, read_tree(r, text, size, set, n_set)));
  CLS_TRY(cls_job_fill_subject(r));
  CLS_TRY(cls_agree(r->world->comm, read_text(r, brain, &choice)));
  CLS_TRY(cls_job_agree_root(r->world, r->world->rank == 0 ? cls_job_check_files(r) : CLS_OK));
  if (brain->model) CLS_TRY(cls_job_fetch_connectome(r, &choice));
  CLS_TRY(cls_job_load_files(r));
  if (brain->model) CLS_TRY(cls_job_fetch_unit_table(r));
  CLS_TRY(cls_agree(r->world->comm, expand(r, brain)));
  CLS_TRY(cls_job_fetch_waveforms(r));
  CLS_TRY(cls_agree(r->world->comm, finish(r)));
  CLS_TRY(cls_job_fetch_empirical(r));
  CLS_TRY(cls_job_agree_root(r->world, r->world->rank == 0 ? cls_job_check_trains(r) : CLS_OK));
  CLS_TRY(cls_job_fetch_observations(r));
  CLS_TRY(cls_job_mix_content(r));
  return cls_job_hash_assimilation(r);
}

static void free_reader(cls_job_reader *r) {
  for (size_t i = 0; i < r->n_wave_files; i++) free(r->wave_files[i].path);
  free(r->wave_files);
  free(r->wave_checks);
  free(r->train_checks);
  free(r->files);
  cls_job_scale_destroy(r->scale);
  cls_job_units_free(&r->units);
  cls_yaml_tree_destroy(r->tree);
}

cls_status cls_job_load(const cls_world *world, const char *path, const char *const *set, int n_set,
                        cls_job **job) {
  cls_job_reader r = {.world = world};
  cls_brain brain = {0};
  char *text = NULL;
  size_t size = 0;
  *job = NULL;
  cls_status status = cls_alloc(&r.job, 1, sizeof *r.job, "job");
  if (status == CLS_OK) status = cls_job_copy(path, &r.job->path);
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) status = cls_job_fetch_text(world, path, "job file", &text, &size);
  if (status == CLS_OK) status = load(&r, text, size, set, n_set, &brain);
  free(text);
  free(brain.inputs);
  free_reader(&r);
  if (status != CLS_OK) {
    cls_job_destroy(r.job);
    return status;
  }
  *job = r.job;
  return CLS_OK;
}

void cls_job_destroy(cls_job *job) {
  if (!job) return;
  for (uint32_t i = 0; i < job->n_sweep; i++) {
    for (uint32_t k = 0; k < job->sweep[i].n && job->sweep[i].values; k++) free(job->sweep[i].values[k]);
    free(job->sweep[i].values);
    free(job->sweep[i].key);
  }
  free(job->sweep);
  cls_job_free_record(&job->record);
  cls_job_free_assimilation(&job->assimilation);
  free(job->partition_method);
  free(job->backend);
  free(job->science);
  free(job->text);
  free(job->path);
  cls_network_destroy(job->network);
  cls_connectome_destroy(job->connectome);
  cls_empirical_free(job->empirical);
  free(job->kept_regions);
  free(job);
}
