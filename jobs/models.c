/* callosum models: what the registry holds, as a person reads it. */
#include "jobs/jobs.h"
#include "model/model.h"
#include <math.h>
#include <string.h>

static void print_range(const cls_param_info *p) {
  if (isinf(p->min) && isinf(p->max))
    printf("any");
  else
    printf("%g ... %g", p->min, p->max);
}

static void print_model(const cls_model *m) {
  printf("%s: %s (%s)\n", m->name, m->title, m->is_input ? "input" : "neuron");
  if (m->citation[0]) printf("  source: %s\n", m->citation);
  printf("  parameters\n");
  for (int i = 0; i < m->n_params; i++) {
    const cls_param_info *p = &m->params[i];
    printf("    %-18s default %-8g range ", p->name, p->initial);
    print_range(p);
    printf("  %s [%s]%s\n", p->doc, p->unit, p->shared ? ", one value per population" : "");
  }
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
}

int cls_command_models(int argc, char **argv) {
  if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    printf("usage: callosum models [NAME]\n  lists models with parameters, units, defaults, ranges, states, "
           "receptors\n");
    return 0;
  }
  if (argc > 1) {
    const cls_model *model = cls_model_find(argv[1]);
    if (model) {
      print_model(model);
      return 0;
    }
    fprintf(stderr, "callosum: model '%s': expected one of", argv[1]);
    for (int i = 0; i < cls_model_count(); i++) fprintf(stderr, " %s", cls_model_at(i)->name);
    fprintf(stderr, "\n");
    return 2;
  }
  for (int i = 0; i < cls_model_count(); i++) {
    if (i) printf("\n");
    print_model(cls_model_at(i));
  }
  return 0;
}
