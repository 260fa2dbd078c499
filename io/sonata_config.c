/* Configurations: manifests of variables, paths of files, inputs and the run. */
#include "io/file.h"
#include "io/sonata_files.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_JSON_BYTES = 16 << 20, MOST_ROUNDS = 32 };

/* ---- JSON ---- */

cls_status sonata_json_read(const char *path, cJSON **tree) {
  *tree = NULL;
  char *text = NULL;
  size_t size = 0;
  cls_status status = cls_file_read(path, "JSON file", MAX_JSON_BYTES, &text, &size);
  if (status == CLS_OK) {
    const char *end = NULL;
    *tree = cJSON_ParseWithLengthOpts(text, size, &end, false);
    int line = 1;
    for (const char *c = text; !*tree && c < end; c++) line += *c == '\n';
    if (!*tree) status = cls_fail(CLS_ERR_INPUT, "%s:%d: not JSON", path, line);
  }
  free(text);
  if (status == CLS_OK && !cJSON_IsObject(*tree)) {
    cJSON_Delete(*tree);
    *tree = NULL;
    status = cls_fail(CLS_ERR_INPUT, "%s: expected a JSON object", path);
  }
  return status;
}

/* The text under `key`, NULL where there is none. */
static const char *text_of(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* ---- paths ---- */

/* One file being read. */
typedef struct {
  const char *path;
  char *folder;
  cJSON *tree, *manifest;
} config_file;

static void close_config(config_file *f) {
  free(f->folder);
  cJSON_Delete(f->tree);
}

static cls_status open_config(const char *path, config_file *f) {
  *f = (config_file){.path = path};
  CLS_TRY(sonata_json_read(path, &f->tree));
  f->manifest = cJSON_GetObjectItemCaseSensitive(f->tree, "manifest");
  const char *slash = strrchr(path, '/');
  f->folder = slash ? cls_format("%.*s", (int)(slash - path), path) : cls_format(".");
  if (f->folder) return CLS_OK;
  close_config(f);
  return cls_fail(CLS_ERR_MEMORY, "%s: no memory for a path", path);
}

/* The variable that `text` begins with ($NAME as the manifest has it, or ${configdir}); its length through
 * `length`. */
static const char *variable_at(const config_file *f, const char *text, size_t *length) {
  static const char configdir[] = "${configdir}";
  const cJSON *entry;
  const char *value = NULL;
  *length = 0;
  if (strncmp(text, configdir, sizeof configdir - 1) == 0) {
    *length = sizeof configdir - 1;
    return ".";
  }
  cJSON_ArrayForEach(entry, f->manifest) {
    size_t n = strlen(entry->string);
    if (n <= *length || strncmp(text, entry->string, n) != 0 || !cJSON_IsString(entry)) continue;
    *length = n; /* the longest name that fits */
    value = entry->valuestring;
  }
  return value;
}

/* A path with its variables replaced; relative ones start at the configuration's folder. */
static cls_status resolve(const config_file *f, const char *written, char **path) {
  char *text = cls_format("%s", written);
  for (int round = 0; text && strchr(text, '$'); round++) {
    char *at = strchr(text, '$');
    size_t length;
    const char *value = variable_at(f, at, &length);
    if (!value || round == MOST_ROUNDS) {
      cls_status status = cls_fail(CLS_ERR_INPUT, "%s: path '%s': variable at '%.40s' is not in the manifest",
                                   f->path, written, at);
      free(text);
      return status;
    }
    char *replaced = cls_format("%.*s%s%s", (int)(at - text), text, value, at + length);
    free(text);
    text = replaced;
  }
  *path = text && text[0] != '/' ? cls_format("%s/%s", f->folder, text) : text;
  if (*path != text) free(text);
  CLS_CHECK(*path, CLS_ERR_MEMORY, "%s: no memory for a path", f->path);
  return CLS_OK;
}

/* The path under `key`; NULL where there is none, or null. */
static cls_status path_of(const config_file *f, const cJSON *object, const char *key, char **path) {
  const char *written = text_of(object, key);
  *path = NULL;
  return written ? resolve(f, written, path) : CLS_OK;
}

/* ---- the circuit ---- */

static cls_status read_files(const config_file *f, const cJSON *networks, const char *list, const char *file,
                             const char *types, sonata_file **files, size_t *n) {
  const cJSON *array = cJSON_GetObjectItemCaseSensitive(networks, list), *item;
  CLS_CHECK(cJSON_IsArray(array), CLS_ERR_INPUT, "%s: networks.%s: expected a list", f->path, list);
  CLS_TRY(cls_alloc(files, (size_t)cJSON_GetArraySize(array), sizeof **files, "files of a circuit"));
  cJSON_ArrayForEach(item, array) {
    sonata_file *made = &(*files)[*n];
    CLS_CHECK(text_of(item, file), CLS_ERR_INPUT, "%s: networks.%s.%zu: '%s' is missing", f->path, list, *n,
              file);
    (*n)++;
    CLS_TRY(path_of(f, item, file, &made->file));
    CLS_TRY(path_of(f, item, types, &made->types));
  }
  return CLS_OK;
}

static cls_status read_circuit(const config_file *f, sonata_config *config) {
  const cJSON *networks = cJSON_GetObjectItemCaseSensitive(f->tree, "networks");
  const cJSON *components = cJSON_GetObjectItemCaseSensitive(f->tree, "components");
  CLS_CHECK(cJSON_IsObject(networks), CLS_ERR_INPUT,
            "%s: 'networks' is missing: expected a SONATA circuit configuration", f->path);
  config->origin = cls_format("%s", f->path);
  CLS_CHECK(config->origin, CLS_ERR_MEMORY, "%s: no memory for a path", f->path);
  CLS_TRY(
      read_files(f, networks, "nodes", "nodes_file", "node_types_file", &config->nodes, &config->n_nodes));
  CLS_TRY(
      read_files(f, networks, "edges", "edges_file", "edge_types_file", &config->edges, &config->n_edges));
  CLS_TRY(path_of(f, components, "point_neuron_models_dir", &config->neuron_models));
  return path_of(f, components, "synaptic_models_dir", &config->synapse_models);
}

/* ---- the simulation ---- */

/* The population that a node set means: {population: NAME}, the name of such a set, or of a population. */
static cls_status population_of(const config_file *f, const cJSON *set, const char *input,
                                char **population) {
  const char *name = text_of(set, "population");
  if (!name && cJSON_IsString(set)) {
    char *path = NULL;
    cJSON *sets = NULL;
    CLS_TRY(path_of(f, f->tree, "node_sets_file", &path));
    cls_status status = path && access(path, R_OK) == 0 ? sonata_json_read(path, &sets) : CLS_OK;
    free(path);
    CLS_TRY(status);
    name = text_of(cJSON_GetObjectItemCaseSensitive(sets, set->valuestring), "population");
    *population = cls_format("%s", name ? name : set->valuestring);
    cJSON_Delete(sets);
    CLS_CHECK(*population, CLS_ERR_MEMORY, "%s: no memory for a name", f->path);
    return CLS_OK;
  }
  CLS_CHECK(name, CLS_ERR_INPUT, "%s: inputs.%s.node_set: expected the name of a set or {population: ...}",
            f->path, input);
  *population = cls_format("%s", name);
  CLS_CHECK(*population, CLS_ERR_MEMORY, "%s: no memory for a name", f->path);
  return CLS_OK;
}

static cls_status read_inputs(const config_file *f, sonata_config *config) {
  const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(f->tree, "inputs"), *input;
  CLS_TRY(cls_alloc(&config->inputs, (size_t)cJSON_GetArraySize(inputs), sizeof *config->inputs, "inputs"));
  cJSON_ArrayForEach(input, inputs) {
    const char *type = text_of(input, "input_type"), *module = text_of(input, "module");
    CLS_CHECK(type && strcmp(type, "spikes") == 0, CLS_ERR_INPUT,
              "%s: inputs.%s: input_type '%s': expected spikes", f->path, input->string, type ? type : "");
    CLS_CHECK(module && (strcmp(module, "h5") == 0 || strcmp(module, "sonata") == 0), CLS_ERR_INPUT,
              "%s: inputs.%s: module '%s': expected h5 or sonata", f->path, input->string,
              module ? module : "");
    CLS_CHECK(text_of(input, "input_file"), CLS_ERR_INPUT, "%s: inputs.%s: 'input_file' is missing", f->path,
              input->string);
    sonata_input *made = &config->inputs[config->n_inputs++];
    CLS_TRY(path_of(f, input, "input_file", &made->file));
    CLS_TRY(population_of(f, cJSON_GetObjectItemCaseSensitive(input, "node_set"), input->string,
                          &made->population));
  }
  return CLS_OK;
}

static cls_status read_simulation(const config_file *f, sonata_config *config) {
  const cJSON *run = cJSON_GetObjectItemCaseSensitive(f->tree, "run");
  const cJSON *tstop = cJSON_GetObjectItemCaseSensitive(run, "tstop");
  const cJSON *dt = cJSON_GetObjectItemCaseSensitive(run, "dt");
  if (cJSON_IsNumber(tstop)) config->duration_ms = tstop->valuedouble;
  if (cJSON_IsNumber(dt)) config->dt_ms = dt->valuedouble;
  CLS_CHECK(config->duration_ms >= 0 && config->dt_ms >= 0, CLS_ERR_INPUT,
            "%s: run: tstop %g and dt %g: expected times in ms", f->path, config->duration_ms, config->dt_ms);
  return read_inputs(f, config);
}

static cls_status read_with(cls_status (*read)(const config_file *, sonata_config *), const char *path,
                            sonata_config *config) {
  config_file f;
  CLS_TRY(open_config(path, &f));
  cls_status status = read(&f, config);
  close_config(&f);
  return status;
}

/* ---- together ---- */

/* What a bundle names, or the files themselves. */
static cls_status find_files(const config_file *f, const char *given, char **circuit, char **simulation) {
  *circuit = *simulation = NULL;
  if (text_of(f->tree, "network")) {
    CLS_TRY(path_of(f, f->tree, "network", circuit));
    if (!given) CLS_TRY(path_of(f, f->tree, "simulation", simulation));
  } else {
    *circuit = cls_format("%s", f->path);
    *simulation = given ? NULL : cls_format("%s/simulation_config.json", f->folder);
    if (*simulation && access(*simulation, F_OK) != 0) {
      free(*simulation);
      *simulation = NULL;
    }
  }
  if (given) *simulation = cls_format("%s", given);
  CLS_CHECK(*circuit && (*simulation || !given), CLS_ERR_MEMORY, "%s: no memory for a path", f->path);
  return CLS_OK;
}

cls_status sonata_config_read(const char *path, const char *simulation, sonata_config *config) {
  config_file f;
  char *circuit_path = NULL, *simulation_path = NULL;
  CLS_TRY(open_config(path, &f));
  cls_status status = find_files(&f, simulation, &circuit_path, &simulation_path);
  close_config(&f);
  if (status == CLS_OK) status = read_with(read_circuit, circuit_path, config);
  if (status == CLS_OK && simulation_path) status = read_with(read_simulation, simulation_path, config);
  free(circuit_path);
  free(simulation_path);
  return status;
}

static void free_files(sonata_file *files, size_t n) {
  for (size_t i = 0; i < n; i++) {
    free(files[i].file);
    free(files[i].types);
  }
  free(files);
}

void sonata_config_free(sonata_config *config) {
  free_files(config->nodes, config->n_nodes);
  free_files(config->edges, config->n_edges);
  for (size_t i = 0; i < config->n_inputs; i++) {
    free(config->inputs[i].file);
    free(config->inputs[i].population);
  }
  free(config->inputs);
  free(config->neuron_models);
  free(config->synapse_models);
  free(config->origin);
}
