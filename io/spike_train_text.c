/* Spikes as text: a line each, time in ms and node, separated by white space, comma or semicolon. Lines that
 * begin with '#' are skipped. There may be a header line; where its first name is that of a node (sender, as in
 * NEST's files, node, gid ...) the node comes first. */
#include "io/spike_train_reader.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char separators[] = " \t,;\r\n";

cls_status cls_train_open_text(const char *path, const char *population, cls_train_reader *r) {
  *r = (cls_train_reader){.path = path, .count = UINT64_MAX, .file = -1, .times = -1, .ids = -1};
  CLS_CHECK(!population, CLS_ERR_INPUT,
            "%s: is text, which holds one population: expected no key 'population'", path);
  r->text = fopen(path, "r");
  CLS_CHECK(r->text, CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  return CLS_OK;
}

/* One field; NULL where it is no number. */
static char *read_field(char *at, double *value) {
  char *end;
  at += strspn(at, separators);
  *value = strtod(at, &end);
  return end != at && (*end == 0 || strchr(separators, *end)) ? end : NULL;
}

/* One line of names before the first spike. */
static bool take_header(cls_train_reader *r, const char *start) {
  static const char *const nodes[] = {"sender", "node", "gid", "neuron"};
  if (r->n > 0 || r->has_header) return false;
  r->has_header = true;
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    if (strncmp(start, nodes[i], strlen(nodes[i])) == 0) r->node_first = true;
  return true;
}

cls_status cls_train_next_text(cls_train_reader *r, double *time_ms, int64_t *node, int *n) {
  *n = 0;
  while (*n < CLS_TRAIN_CHUNK && getline(&r->line, &r->line_room, r->text) >= 0) {
    double time, number;
    r->line_number++;
    char *start = r->line + strspn(r->line, separators), *end = read_field(start, &time);
    if (*start == 0 || *start == '#') continue;
    if (!end && take_header(r, start)) continue;
    if (end) end = read_field(end, &number);
    CLS_CHECK(end && end[strspn(end, separators)] == 0, CLS_ERR_INPUT,
              "%s:%llu: '%.*s': expected two numbers, the time of a spike in ms and its node", r->path,
              (unsigned long long)r->line_number,
              (int)strcspn(start, "\r\n") > 40 ? 40 : (int)strcspn(start, "\r\n"), start);
    if (r->node_first) {
      double swapped = time;
      time = number;
      number = swapped;
    }
    time_ms[*n] = time;
    node[(*n)++] = number >= 0 && number < 0x1p53 && number == floor(number) ? (int64_t)number : -1;
    r->n++;
  }
  CLS_CHECK(!ferror(r->text), CLS_ERR_INPUT, "%s: cannot be read: %s", r->path, strerror(errno));
  CLS_CHECK(*n > 0 || r->n > 0, CLS_ERR_INPUT, "%s: no spikes: expected lines of a time in ms and a node",
            r->path);
  return CLS_OK;
}
