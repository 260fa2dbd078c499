/* The job that runs an imported circuit, and the import as a whole. */
#include "io/sonata_files.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- YAML ---- */

static void print_text(FILE *out, const char *text) {
  fputc('"', out);
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\') fputc('\\', out);
    fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
  }
  fputc('"', out);
}

/* ---- models ---- */

/* Parameters of NEURON's IntFire1: m decays with tau, an event adds its weight, m > 1 is a spike; then m is 0
 * and events are lost for `refrac`. That is lif_psc_delta in units of its threshold. */
typedef struct {
  double tau_ms, refractory_ms;
} intfire1;

/* From the type's file of parameters, which has seconds (tau, refrac), where it is there; else those of the
 * published example of 300 such cells: 24 ms where the type is excitatory, 7 ms where it is inhibitory, and
 * 3 ms. */
static cls_status read_intfire1(sonata_circuit *c, const sonata_population *p, const sonata_member *m,
                                intfire1 *values) {
  const char *file = sonata_type_text(p->types, m->row, "dynamics_params");
  char *path = file && c->config.neuron_models ? cls_format("%s/%s", c->config.neuron_models, file) : NULL;
  cJSON *tree = NULL;
  cls_status status = path && access(path, R_OK) == 0 ? sonata_json_read(path, &tree) : CLS_OK;
  const cJSON *tau = cJSON_GetObjectItemCaseSensitive(tree, "tau");
  const cJSON *refractory = cJSON_GetObjectItemCaseSensitive(tree, "refrac");
  *values = (intfire1){m->type == 'I' ? 7 : 24, 3};
  if (cJSON_IsNumber(tau)) values->tau_ms = 1000 * tau->valuedouble;
  if (cJSON_IsNumber(refractory)) values->refractory_ms = 1000 * refractory->valuedouble;
  if (status == CLS_OK && (!cJSON_IsNumber(tau) || !cJSON_IsNumber(refractory)))
    status = sonata_note(c, "population %s: %s %s: tau_m %g ms and t_ref %g ms are taken", m->name,
                         path ? path : "a file of parameters", tree ? "lacks tau or refrac" : "is not there",
                         values->tau_ms, values->refractory_ms);
  cJSON_Delete(tree);
  free(path);
  return status;
}

static cls_status write_neurons(sonata_circuit *c, const sonata_population *p, const sonata_member *m,
                                FILE *out) {
  const char *template = sonata_type_text(p->types, m->row, "model_template");
  const char *type = sonata_type_text(p->types, m->row, "model_type");
  CLS_CHECK(template && strcmp(template, "nrn:IntFire1") == 0, CLS_ERR_INPUT,
            "%s: type %s: model_type %s, model_template %s: expected virtual, or nrn:IntFire1",
            p->types->path, p->types->cell[m->row * p->types->columns + (size_t)p->types->id],
            type ? type : "NULL", template ? template : "NULL");
  intfire1 values;
  CLS_TRY(read_intfire1(c, p, m, &values));
  fprintf(out, "    model: lif_psc_delta\n");
  fprintf(out,
          "    params: {tau_m_ms: %.10g, t_ref_ms: %.10g, E_L_mV: 0, V_reset_mV: 0, V_th_mV: 1}"
          " # potentials and weights in units of the threshold\n",
          values.tau_ms, values.refractory_ms);
  return CLS_OK;
}

static cls_status write_virtual(sonata_circuit *c, const sonata_population *p, const sonata_member *m,
                                FILE *out) {
  fprintf(out, "    model: relay\n");
  for (size_t i = 0; i < c->config.n_inputs; i++) {
    if (strcmp(c->config.inputs[i].population, p->name) != 0) continue;
    fprintf(out, "    inputs: [{model: spike_train, file: spikes.h5, population: ");
    print_text(out, p->name);
    fprintf(out, ", weight: 1}]\n");
    return CLS_OK;
  }
  return sonata_note(c, "population %s: no spikes are given for its virtual nodes: they stay silent",
                     m->name);
}

/* ---- the file ---- */

static cls_status write_populations(sonata_circuit *c, FILE *out) {
  fprintf(out, "populations:\n");
  for (size_t i = 0; i < c->n_populations; i++) {
    const sonata_population *p = &c->populations[i];
    for (size_t k = 0; k < p->n_members; k++) {
      const sonata_member *m = &p->members[k];
      fprintf(out, "  - name: ");
      print_text(out, m->name);
      fprintf(out, "\n    n: %llu\n", (unsigned long long)m->n);
      if (m->type) fprintf(out, "    type: %c\n", m->type);
      CLS_TRY(p->is_virtual ? write_virtual(c, p, m, out) : write_neurons(c, p, m, out));
    }
  }
  return CLS_OK;
}

static void write_projections(const sonata_projections *projections, FILE *out) {
  fprintf(out, "projections:%s\n", projections->n ? "" : " []");
  for (size_t i = 0; i < projections->n; i++) {
    const sonata_projection *p = &projections->projections[i];
    fprintf(out, "  - name: ");
    print_text(out, p->name);
    fprintf(out, "\n    source: ");
    print_text(out, p->source->members[p->source_member].name);
    fprintf(out, "\n    target: ");
    print_text(out, p->target->members[p->target_member].name);
    fprintf(out, "\n    rule: explicit\n    file: network.h5\n    group: ");
    print_text(out, p->name);
    fprintf(out, " # %llu synapses\n", (unsigned long long)p->n);
    if (!isnan(p->delay_ms)) fprintf(out, "    delay_ms: %.17g\n", p->delay_ms);
  }
}

cls_status sonata_job_write(sonata_circuit *circuit, const sonata_projections *projections,
                            const char *path) {
  const sonata_config *config = &circuit->config;
  FILE *out = fopen(path, "w");
  CLS_CHECK(out, CLS_ERR_INPUT, "%s: cannot be written: %s", path, strerror(errno));
  fprintf(out, "# Imported from the SONATA circuit %s.\n", config->origin);
  fprintf(out, "simulation: {duration_ms: %.10g, dt_ms: %.10g, seed: 1}\n",
          config->duration_ms > 0 ? config->duration_ms : 1000, config->dt_ms > 0 ? config->dt_ms : 0.1);
  fprintf(out, "record: {spikes: all, warmup_ms: 0}\n");
  cls_status status = write_populations(circuit, out);
  write_projections(projections, out);
  bool failed = ferror(out) != 0;
  failed |= fclose(out) != 0;
  CLS_TRY(status);
  CLS_CHECK(!failed, CLS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
  return CLS_OK;
}

/* ---- the folder ---- */

/* The files of an import, under names that say they are not done, then under their own: the job last, so that
 * a folder with a job is whole. */
enum { N_FILES = 3 };
static const char *const file_names[N_FILES] = {"network.h5", "spikes.h5", "job.yaml"};

static cls_status make_folder(const char *folder) {
  if (mkdir(folder, 0777) == 0 || errno == EEXIST) return CLS_OK;
  return cls_fail(CLS_ERR_INPUT, "--out %s: cannot make the folder: %s", folder, strerror(errno));
}

static cls_status check_folder(const char *folder) {
  struct stat info;
  bool there = stat(folder, &info) == 0;
  CLS_CHECK(!there || S_ISDIR(info.st_mode), CLS_ERR_INPUT, "--out %s: is no folder", folder);
  char *job = cls_format("%s/job.yaml", folder);
  CLS_CHECK(job, CLS_ERR_MEMORY, "no memory for a path");
  bool full = access(job, F_OK) == 0;
  free(job);
  CLS_CHECK(!full, CLS_ERR_INPUT, "--out %s: holds a job already: expected a new folder", folder);
  return CLS_OK;
}

static cls_status write_files(sonata_circuit *circuit, char *const path[N_FILES]) {
  sonata_projections projections = {0};
  cls_status status = sonata_edges_import(circuit, path[0], &projections);
  if (status == CLS_OK) status = sonata_spikes_import(circuit, path[1]);
  if (status == CLS_OK) status = sonata_job_write(circuit, &projections, path[2]);
  for (size_t i = 0; i < projections.n; i++) free(projections.projections[i].name);
  free(projections.projections);
  return status;
}

static cls_status rename_files(const char *folder, char *const path[N_FILES]) {
  for (int k = 0; k < N_FILES; k++) {
    if (access(path[k], F_OK) != 0) continue; /* no spikes */
    char *name = cls_format("%s/%s", folder, file_names[k]);
    CLS_CHECK(name, CLS_ERR_MEMORY, "no memory for a path");
    cls_status status = rename(path[k], name) == 0 ? CLS_OK
                                                   : cls_fail(CLS_ERR_IO, "%s: cannot be renamed to %s: %s",
                                                              path[k], name, strerror(errno));
    free(name);
    CLS_TRY(status);
  }
  return CLS_OK;
}

static cls_status write_folder(sonata_circuit *circuit, const char *folder) {
  char *path[N_FILES] = {NULL};
  CLS_TRY(make_folder(folder));
  cls_status status = CLS_OK;
  for (int k = 0; k < N_FILES; k++) {
    path[k] = cls_format("%s/.%s.%ld.partial", folder, file_names[k], (long)getpid());
    if (!path[k]) status = cls_fail(CLS_ERR_MEMORY, "no memory for a path");
  }
  if (status == CLS_OK) status = write_files(circuit, path);
  if (status == CLS_OK) status = rename_files(folder, path);
  for (int k = 0; k < N_FILES; k++) {
    if (path[k] && status != CLS_OK) unlink(path[k]);
    free(path[k]);
  }
  if (status != CLS_OK) (void)rmdir(folder); /* only where it is empty */
  return status;
}

cls_status cls_sonata_import(const char *config, const char *simulation, const char *folder,
                             cls_sonata_summary *summary) {
  sonata_circuit circuit = {.summary = summary};
  *summary = (cls_sonata_summary){0};
  CLS_TRY(check_folder(folder));
  cls_status status = sonata_config_read(config, simulation, &circuit.config);
  if (status == CLS_OK) status = sonata_nodes_read(&circuit);
  if (status == CLS_OK) status = write_folder(&circuit, folder);
  sonata_nodes_free(&circuit);
  sonata_config_free(&circuit.config);
  if (status == CLS_OK && !summary->notes && !(summary->notes = cls_format("%s", "")))
    status = cls_fail(CLS_ERR_MEMORY, "no memory for notes about a circuit");
  return status;
}
