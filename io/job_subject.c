/* Key `subject`: the folder of a person, whose files fill in what the job leaves open. The tree is changed before its sections are
 * read: they, and the text that outputs keep, know of files alone. */
#include "io/connectome_files.h"
#include "io/job.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is looked for; the names of rank 0's finds are told to all. */
enum { WEIGHTS, LENGTHS, REGIONS, BOLD, WHATS };
static const char *const what_names[WHATS] = {"connectomes", "lengths of tracts", "tables of regions",
                                              "BOLD series"};
static const char *const what_keys[WHATS] = {"brain.connectome.file", "brain.connectome.lengths",
                                             "brain.connectome.regions",
                                             "file of the observation or of record.empirical_bold"};
static const char *const gw_file[WHATS] = {[WEIGHTS] = "structural/DTI_CM.mat",
                                           [LENGTHS] = "structural/DTI_LEN.mat",
                                           [BOLD] = "functional/BOLD_rsfMRI.mat"};
static const char *const gw_variable[WHATS] = {[WEIGHTS] = "sc", [LENGTHS] = "len", [BOLD] = "tc"};

/* Where values are to go; NULL: nowhere. */
typedef struct {
  const cls_yaml *node; /* of the key */
  cls_yaml *connectome, *observation, *record;
  bool wanted[WHATS];
} openings;

/* What was found: files below the subject's folder. */
typedef struct {
  bool gw;
  char *file[WHATS];       /* NULL: none */
  char *candidates[WHATS]; /* all that fit, for messages */
  int n[WHATS];
} finds;

static void free_finds(finds *f) {
  for (int w = 0; w < WHATS; w++) {
    free(f->file[w]);
    free(f->candidates[w]);
  }
}

/* ---- what the job leaves open ---- */

/* The mapping under `key`, made where there is none; NULL where something else stands there. */
static cls_status child_map(cls_job_reader *r, const cls_yaml *from, cls_yaml *parent, const char *key,
                            cls_yaml **child) {
  *child = cls_yaml_get(parent, key);
  if (*child) {
    if ((*child)->kind != CLS_YAML_MAP) *child = NULL;
    return CLS_OK;
  }
  CLS_TRY(cls_yaml_node(r->tree, CLS_YAML_MAP, NULL, 0, from->origin, from->line, child));
  return cls_yaml_append(r->tree, parent, key, *child);
}

static cls_yaml *open_observation(const cls_yaml *root) {
  const cls_yaml *section = cls_yaml_get(root, "assimilation");
  const cls_yaml *list = section ? cls_yaml_get(section, "observations") : NULL;
  if (!list || list->kind != CLS_YAML_LIST || cls_yaml_get(section, "twin")) return NULL;
  for (size_t i = 0; i < list->n; i++) {
    const cls_yaml *kind = cls_yaml_get(list->items[i], "kind");
    const bool bold = kind && kind->kind == CLS_YAML_SCALAR && strcmp(kind->text, "bold") == 0;
    if (bold && !cls_yaml_get(list->items[i], "file")) return list->items[i];
  }
  return NULL;
}

static cls_status find_openings(cls_job_reader *r, openings *o) {
  cls_yaml *brain = cls_yaml_get(r->root, "brain"), *record = cls_yaml_get(r->root, "record");
  if (!brain)
    return cls_yaml_fail(o->node, "stands beside 'populations': expected 'brain', whose connectome it names");
  cls_yaml *connectome;
  if (brain->kind != CLS_YAML_MAP) return CLS_OK; /* refused later */
  CLS_TRY(child_map(r, o->node, brain, "connectome", &connectome));
  if (connectome && !cls_yaml_get(connectome, "file") && !cls_yaml_get(connectome, "generator")) {
    o->connectome = connectome;
    o->wanted[WEIGHTS] = true;
    o->wanted[LENGTHS] = !cls_yaml_get(connectome, "lengths");
    o->wanted[REGIONS] = !cls_yaml_get(connectome, "regions");
  }
  o->observation = open_observation(r->root);
  if (record && cls_yaml_get(record, "bold") && !cls_yaml_get(record, "empirical_bold")) o->record = record;
  o->wanted[BOLD] = o->observation || o->record;
  return CLS_OK;
}

/* ---- what the folder holds; of rank 0 ---- */

static bool is_there(const char *folder, const char *name, bool directory) {
  struct stat s;
  char *path = cls_format("%s/%s", folder, name);
  const bool there = path && stat(path, &s) == 0 && (directory ? S_ISDIR(s.st_mode) : !S_ISDIR(s.st_mode));
  free(path);
  return there;
}

static cls_status add_find(finds *f, int what, const char *below, const char *name) {
  char *path = cls_format("%s%s", below, name);
  char *all = cls_format("%s%s%s", f->candidates[what] ? f->candidates[what] : "", f->n[what] ? ", " : "",
                         path ? path : "");
  free(f->candidates[what]);
  f->candidates[what] = all;
  if (f->n[what]++ == 0)
    f->file[what] = path;
  else
    free(path);
  CLS_CHECK(f->file[what] && all, CLS_ERR_MEMORY, "job: out of memory for the files of a subject");
  return CLS_OK;
}

static bool ends_with(const char *name, const char *end) {
  const size_t n = strlen(name), m = strlen(end);
  return n > m && strcmp(name + n - m, end) == 0;
}

/* Matrices of BIDS say by their name what they hold: `meas-meanlength`, `desc-length`; those of functional connectivity have a
 * task, or a correlation. -1: none of ours. */
static int kind_of(const char *name) {
  char lower[512];
  size_t n = 0;
  for (; name[n] && n + 1 < sizeof lower; n++)
    lower[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] + 'a' - 'A' : name[n]);
  lower[n] = 0;
  if (ends_with(lower, "_timeseries.tsv")) return BOLD;
  if (ends_with(lower, "_dseg.tsv")) return REGIONS;
  if (!ends_with(lower, "_relmat.tsv") || strstr(lower, "task-") || strstr(lower, "correlation")) return -1;
  return strstr(lower, "length") ? LENGTHS : WEIGHTS;
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Files of one folder. `kinds`: those it may hold. */
static cls_status look_into(const char *folder, const char *below, const bool kinds[WHATS], finds *f) {
  struct dirent **entries = NULL;
  char *path = cls_format("%s/%s", folder, below);
  CLS_CHECK(path, CLS_ERR_MEMORY, "job: out of memory for a path");
  const int n = scandir(path, &entries, visible, alphasort);
  free(path);
  cls_status status = CLS_OK;
  for (int i = 0; i < n; i++) {
    const int kind = kind_of(entries[i]->d_name);
    if (kind >= 0 && kinds[kind] && status == CLS_OK) status = add_find(f, kind, below, entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  return status;
}

/* The folder itself, or one session of it. `below` is empty or ends with a slash. */
static cls_status look_into_session(const char *folder, const char *below, finds *f) {
  static const struct {
    const char *name;
    bool kinds[WHATS];
  } places[] = {{"", {[REGIONS] = true}},
                {"anat/", {[REGIONS] = true}},
                {"connectivity/", {[WEIGHTS] = true, [LENGTHS] = true, [REGIONS] = true}},
                {"func/", {[BOLD] = true, [REGIONS] = true}}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char *place = cls_format("%s%s", below, places[i].name);
    CLS_CHECK(place, CLS_ERR_MEMORY, "job: out of memory for a path");
    const cls_status status = look_into(folder, place, places[i].kinds, f);
    free(place);
    CLS_TRY(status);
  }
  return CLS_OK;
}

static int is_session(const struct dirent *entry) { return strncmp(entry->d_name, "ses-", 4) == 0; }

static cls_status look_for_bids(const char *folder, finds *f) {
  struct dirent **entries = NULL;
  cls_status status = look_into_session(folder, "", f);
  const int n = scandir(folder, &entries, is_session, alphasort);
  for (int i = 0; i < n; i++) {
    char *below = status == CLS_OK ? cls_format("%s/", entries[i]->d_name) : NULL;
    if (below) status = look_into_session(folder, below, f);
    free(below);
    free(entries[i]);
  }
  free(entries);
  return status;
}

static cls_status look(const char *folder, finds *f) {
  for (int w = 0; w < WHATS; w++) {
    if (!gw_file[w] || !is_there(folder, gw_file[w], false)) continue;
    f->gw = true;
    CLS_TRY(add_find(f, w, "", gw_file[w]));
  }
  return f->gw ? CLS_OK : look_for_bids(folder, f);
}

static cls_status judge(const openings *o, const char *folder, const finds *f) {
  bool any = false;
  for (int w = 0; w < WHATS; w++) any = any || (f->n[w] > 0 && w != REGIONS);
  if (!any)
    return cls_yaml_fail(o->node,
                         "%s: no layout of a subject that is known: expected structural/DTI_CM.mat and "
                         "functional/BOLD_rsfMRI.mat, or BIDS derivatives, connectivity/*_relmat.tsv and "
                         "func/*_timeseries.tsv, there or in a folder ses-*",
                         folder);
  for (int w = 0; w < WHATS; w++)
    if (o->wanted[w] && f->n[w] > 1)
      return cls_yaml_fail(o->node, "%s: holds %d %s, %s: expected one, or key %s", folder, f->n[w],
                           what_names[w], f->candidates[w], what_keys[w]);
  if (o->wanted[WEIGHTS] && !f->file[WEIGHTS])
    return cls_yaml_fail(o->node, "%s: no connectome: expected %s, or key brain.connectome.file", folder,
                         f->gw ? gw_file[WEIGHTS] : "connectivity/*_relmat.tsv, there or in a folder ses-*");
  if (o->observation && !f->file[BOLD])
    return cls_yaml_fail(o->node, "%s: no BOLD to assimilate: expected %s, or key file of the observation",
                         folder, f->gw ? gw_file[BOLD] : "func/*_timeseries.tsv, there or in a folder ses-*");
  return CLS_OK;
}

static cls_status find_files(const openings *o, const char *folder, finds *f) {
  struct stat s;
  if (stat(folder, &s) != 0) return cls_yaml_fail(o->node, "%s: %s", folder, strerror(errno));
  if (!S_ISDIR(s.st_mode)) return cls_yaml_fail(o->node, "%s: expected the folder of a subject", folder);
  CLS_TRY(look(folder, f));
  return judge(o, folder, f);
}

/* Collective. */
static cls_status share_finds(const cls_world *world, finds *f) {
  CLS_CHECK(MPI_Bcast(&f->gw, 1, MPI_C_BOOL, 0, world->comm) == MPI_SUCCESS, CLS_ERR_MPI,
            "job: broadcast failed");
  for (int w = 0; w < WHATS; w++) {
    int size = f->file[w] ? (int)strlen(f->file[w]) + 1 : 0;
    size_t capacity = 0;
    MPI_Bcast(&size, 1, MPI_INT, 0, world->comm);
    cls_status status = CLS_OK;
    if (world->rank != 0 && size > 0)
      status = cls_grow(&f->file[w], &capacity, (size_t)size, 1, "files of a subject");
    CLS_TRY(cls_agree(world->comm, status));
    if (size > 0) MPI_Bcast(f->file[w], size, MPI_CHAR, 0, world->comm);
  }
  return CLS_OK;
}

/* ---- filling in ---- */

static cls_status put(cls_job_reader *r, const cls_yaml *from, cls_yaml *map, const char *key,
                      const char *text, bool plain) {
  cls_yaml *node;
  if (!map || !text || cls_yaml_get(map, key)) return CLS_OK;
  CLS_TRY(cls_yaml_node(r->tree, CLS_YAML_SCALAR, text, strlen(text), from->origin, from->line, &node));
  node->plain = plain;
  return cls_yaml_append(r->tree, map, key, node);
}

/* A file below the folder, as one would write it there. */
static cls_status put_file(cls_job_reader *r, const openings *o, cls_yaml *map, const finds *f, int what) {
  const char *folder = o->node->text;
  size_t n = strlen(folder);
  if (!map || !f->file[what]) return CLS_OK;
  while (n > 1 && folder[n - 1] == '/') n--;
  char *path = cls_format("%.*s%s%s", (int)n, folder, n == 1 && *folder == '/' ? "" : "/", f->file[what]);
  CLS_CHECK(path, CLS_ERR_MEMORY, "job: out of memory for a path");
  cls_status status = put(r, o->node, map, what == REGIONS ? "regions" : "file", path, false);
  free(path);
  if (status == CLS_OK && f->gw) status = put(r, o->node, map, "variable", gw_variable[what], true);
  return status;
}

static cls_status fill_connectome(cls_job_reader *r, const openings *o, const finds *f) {
  cls_yaml *lengths;
  if (!o->connectome) return CLS_OK;
  CLS_TRY(put_file(r, o, o->connectome, f, WEIGHTS));
  if (o->wanted[LENGTHS] && f->file[LENGTHS]) {
    CLS_TRY(child_map(r, o->node, o->connectome, "lengths", &lengths));
    CLS_TRY(put_file(r, o, lengths, f, LENGTHS));
    if (f->gw) CLS_TRY(put(r, o->node, o->connectome, "lengths_unit", "mm", true));
  }
  if (o->wanted[REGIONS]) CLS_TRY(put_file(r, o, o->connectome, f, REGIONS));
  return put(r, o->node, o->connectome, "symmetrise", "mean", true);
}

static cls_status fill_record(cls_job_reader *r, const openings *o, const finds *f) {
  cls_yaml *bold;
  if (!o->record || !f->file[BOLD]) return CLS_OK;
  CLS_TRY(child_map(r, o->node, o->record, "empirical_bold", &bold));
  return put_file(r, o, bold, f, BOLD);
}

static cls_status fill(cls_job_reader *r, const openings *o, const finds *f) {
  CLS_TRY(fill_connectome(r, o, f));
  CLS_TRY(fill_record(r, o, f));
  return put_file(r, o, o->observation, f, BOLD);
}

static void drop(cls_yaml *map, const cls_yaml *item) {
  for (size_t i = item->index; i + 1 < map->n; i++) {
    map->items[i] = map->items[i + 1];
    map->items[i]->index = i;
  }
  map->n--;
}

cls_status cls_job_fill_subject(cls_job_reader *r) {
  openings o = {.node = cls_yaml_get(r->root, "subject")};
  finds f = {0};
  char *folder = NULL;
  if (!o.node) return CLS_OK;
  cls_status status = find_openings(r, &o);
  if (status == CLS_OK) status = cls_job_path(r, o.node, o.node->text, &folder);
  status = cls_agree(r->world->comm, status);
  if (status == CLS_OK)
    status = cls_job_agree_root(r->world, r->world->rank == 0 ? find_files(&o, folder, &f) : CLS_OK);
  if (status == CLS_OK) status = share_finds(r->world, &f);
  if (status == CLS_OK) status = cls_agree(r->world->comm, fill(r, &o, &f));
  if (status == CLS_OK) {
    cls_log(r->world, 1, "subject: %s: %s%s%s", folder, o.connectome ? f.file[WEIGHTS] : "",
            o.connectome && o.wanted[BOLD] && f.file[BOLD] ? ", " : "",
            o.wanted[BOLD] && f.file[BOLD] ? f.file[BOLD] : "");
    drop(r->root, o.node);
  }
  free(folder);
  free_finds(&f);
  return status;
}
