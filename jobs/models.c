/* callosum models: what the registry holds, as a person reads it on a terminal. */
#include "jobs/models.h"
#include "jobs/jobs.h"
#include "model/model.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

void cls_print_range(const cls_param_info *p) {
  if (isinf(p->min) && isinf(p->max))
    printf("any");
  else if (p->min == p->max)
    printf("fixed");
  else
    printf("%g ... %g", p->min, p->max);
}

void cls_print_order(const cls_model_doc *doc) {
  if (doc->order == 0)
    printf("exact");
  else
    printf("order %d in dt", doc->order);
  if (doc->spike_order > 0) printf(" between spikes, order %d of spike times", doc->spike_order);
}

void cls_print_within(const cls_figure *f) {
  printf("%g", f->within);
  if (strcmp(f->unit, "1") != 0) printf(" %s", f->unit);
}

static void print_doc(const cls_model_doc *doc) {
  printf("  equations\n");
  for (const char *line = doc->equations; *line;) {
    int length = (int)strcspn(line, "\n");
    printf("    %.*s\n", length, line);
    line += length + (line[length] == '\n');
  }
  printf("  integration\n    %s\n    ", doc->method);
  cls_print_order(doc);
  printf("\n");
}

static void print_figures(const cls_model_doc *doc) {
  if (doc->n_figures) printf("  tested\n");
  for (int i = 0; i < doc->n_figures; i++) {
    const cls_figure *f = &doc->figures[i];
    printf("    %-18s %s: within ", f->key, f->what);
    cls_print_within(f);
    printf(" (tests/%s)\n", f->test);
  }
}

static void print_params(const cls_param_info *params, int n) {
  if (n) printf("  parameters\n");
  for (int i = 0; i < n; i++) {
    const cls_param_info *p = &params[i];
    printf("    %-18s ", p->name);
    if (isnan(p->initial))
      printf("needed           range ");
    else
      printf("default %-8g range ", p->initial);
    cls_print_range(p);
    printf("  %s [%s]%s\n", p->doc, p->unit, p->shared ? ", one value per population" : "");
  }
}

static void print_model(const cls_model *m) {
  printf("%s: %s (%s)\n  source: %s\n", m->name, m->title, m->is_input ? "input" : "neuron", m->citation);
  print_doc(&m->doc);
  print_params(m->params, m->n_params);
  if (m->needs_trains) printf("    %-18s where the spikes come from: see callosum reference\n", "file ...");
  if (m->takes_waveform)
    printf("    %-18s %s its strength in time%s%s\n", "waveform, events",
           m->needs_waveform ? "needed: one or both change" : "change",
           m->level ? ", as a factor on " : ", as a factor on what it adds", m->level ? m->level : "");
  if (m->n_states) printf("  states\n");
  for (int i = 0; i < m->n_states; i++)
    printf("    %-18s %s [%s]%s\n", m->states[i].name, m->states[i].doc, m->states[i].unit,
           m->states[i].settable ? ", may stand under `initial:`" : "");
  if (m->n_ports) printf("  receptors\n");
  for (int i = 0; i < m->n_ports; i++) {
    const cls_port_info *p = &m->ports[i];
    if (p->receptors == 2)
      printf("    %-18s two weights per synapse, %s and %s, not negative [%s]\n", p->name, p->receptor[0],
             p->receptor[1], p->unit);
    else
      printf("    %-18s one %sweight per synapse [%s]\n", p->name, p->signed_weights ? "signed " : "",
             p->unit);
  }
  print_figures(&m->doc);
}

static void print_mechanism(const cls_mechanism *m) {
  printf("%s: %s (%s)\n  source: %s\n  key: %s\n", m->name, m->title, m->kind, m->citation, m->key);
  print_doc(&m->doc);
  print_params(m->params, m->n_params);
  for (int i = 0; i < m->n_choices; i++)
    printf("    %-18s %s  %s\n", m->choices[i].name, m->choices[i].values, m->choices[i].doc);
  print_figures(&m->doc);
}

static bool print_named(const char *name) {
  const cls_model *model = cls_model_find(name);
  const cls_mechanism *mechanism = cls_mechanism_find(name);
  if (model) print_model(model);
  if (mechanism) print_mechanism(mechanism);
  return model || mechanism;
}

static void print_all(void) {
  for (int i = 0; i < cls_model_count(); i++) {
    if (i) printf("\n");
    print_model(cls_model_at(i));
  }
  for (int i = 0; i < cls_mechanism_count(); i++) {
    printf("\n");
    print_mechanism(cls_mechanism_at(i));
  }
}

int cls_command_models(int argc, char **argv) {
  if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    printf(
        "usage: callosum models [NAME | --markdown]\n  lists models with equations, integration, parameters, "
        "units, defaults, ranges, states, receptors,\n  and what tests measure of them; --markdown: the page "
        "jobs/MODELS.md\n");
    return CLS_OK;
  }
  if (argc > 2) {
    fprintf(stderr, "callosum: models: argument %s: expected one name at most\n", argv[2]);
    return CLS_ERR_INPUT;
  }
  if (argc == 1) {
    print_all();
    return CLS_OK;
  }
  if (strcmp(argv[1], "--markdown") == 0) {
    cls_print_models_page();
    return CLS_OK;
  }
  if (print_named(argv[1])) return CLS_OK;
  fprintf(stderr, "callosum: model '%s': expected one of", argv[1]);
  for (int i = 0; i < cls_model_count(); i++) fprintf(stderr, " %s", cls_model_at(i)->name);
  for (int i = 0; i < cls_mechanism_count(); i++) fprintf(stderr, " %s", cls_mechanism_at(i)->name);
  fprintf(stderr, "\n");
  return CLS_ERR_INPUT;
}
