/* The page of models, as Markdown that is read on a terminal too. jobs/MODELS.md holds what it prints (a test compares). */
#include "jobs/models.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_head(const char *name, const char *title) {
  printf("\n### %s\n\n%c%s.\n\n", name, toupper((unsigned char)title[0]), title + 1);
}

static void print_doc(const cls_model_doc *doc, const char *citation) {
  printf("```text\n%s```\n\nSource: %s.\n\nIntegration: %s; ", doc->equations, citation, doc->method);
  cls_print_order(doc);
  printf(".\n");
}

static void print_figures(const cls_model_doc *doc) {
  printf("\n| tested: what is compared, with what | within | test |\n|---|---|---|\n");
  for (int i = 0; i < doc->n_figures; i++) {
    const cls_figure *f = &doc->figures[i];
    printf("| %s | ", f->what);
    if (f->within == 0)
      printf("the same");
    else
      cls_print_within(f);
    printf(" | [`%s`](../tests/%s) |\n", f->test, f->test);
  }
}

static void print_params(const cls_param_info *params, int n) {
  if (n) printf("\n| parameter | unit | default | range | what |\n|---|---|---|---|---|\n");
  for (int i = 0; i < n; i++) {
    const cls_param_info *p = &params[i];
    printf("| `%s` | %s | ", p->name, p->unit);
    if (isnan(p->initial))
      printf("**needed** | ");
    else
      printf("%g | ", p->initial);
    cls_print_range(p);
    printf(" | %s%s |\n", p->doc, p->shared && p->min != p->max ? "; one value per population" : "");
  }
}

static void print_states(const cls_model *m) {
  if (m->n_states) printf("\n| state | unit | under `initial:` | what |\n|---|---|---|---|\n");
  for (int i = 0; i < m->n_states; i++) {
    const cls_state_info *s = &m->states[i];
    printf("| `%s` | %s | %s | %s |\n", s->name, s->unit, s->settable ? "yes" : "", s->doc);
  }
}

static void print_ports(const cls_model *m) {
  if (m->n_ports) printf("\n| receptor | unit of weights | weights of a synapse |\n|---|---|---|\n");
  for (int i = 0; i < m->n_ports; i++) {
    const cls_port_info *p = &m->ports[i];
    printf("| `%s` | %s | ", p->name, p->unit);
    if (p->receptors == 2)
      printf("two, for `%s` and `%s`, not negative |\n", p->receptor[0], p->receptor[1]);
    else
      printf("one, %s |\n", p->signed_weights ? "of either sign" : "not negative");
  }
}

static void print_model(const cls_model *m) {
  print_head(m->name, m->title);
  print_doc(&m->doc, m->citation);
  print_params(m->params, m->n_params);
  if (m->needs_trains) printf("\nTrains come from files: see the key `file` in the README's reference.\n");
  if (m->takes_waveform)
    printf("\n%s `waveform` or `events`: a factor in time on %s%s%s.\n",
           m->needs_waveform ? "Needs" : "Takes", m->level ? "`" : "", m->level ? m->level : "what it adds",
           m->level ? "`" : "");
  print_states(m);
  print_ports(m);
  print_figures(&m->doc);
}

static void print_mechanism(const cls_mechanism *m) {
  print_head(m->name, m->title);
  printf("Key of a job: `%s`.\n\n", m->key);
  print_doc(&m->doc, m->citation);
  print_params(m->params, m->n_params);
  if (m->n_choices) printf("\n| choice | one of | what |\n|---|---|---|\n");
  for (int i = 0; i < m->n_choices; i++) {
    printf("| `%s` | ", m->choices[i].name);
    for (const char *c = m->choices[i].values; *c; c++) printf(*c == '|' ? "\\|" : "%c", *c);
    printf(" | %s |\n", m->choices[i].doc);
  }
  print_figures(&m->doc);
}

static void print_index(void) {
  const int models = cls_model_count(), all = models + cls_mechanism_count();
  for (int i = 0; i < all; i++) {
    const char *name = i < models ? cls_model_at(i)->name : cls_mechanism_at(i - models)->name;
    printf("%s[`%s`](#%s)", i == 0 ? "" : i % 5 == 0 ? ",\n" : ", ", name, name);
  }
  printf(".\n");
}

void cls_print_models_page(void) {
  printf("# Models\n\n"
         "What `callosum models --markdown` prints; `callosum models NAME` shows one on a terminal. "
         "Equations are\n"
         "those of the model's header in [`src/model`](../src/model); t, tau and dt are in ms, and a spike "
         "is at the\n"
         "end of its step: a neuron that is exact between spikes has their times exactly but for this "
         "rounding up.\n"
         "A figure under \"tested\" is the tolerance of the test beside it, which takes it from here. The "
         "test fails\n"
         "where it measures more, and where it measures less than a tenth of it.\n\n");
  print_index();
  for (int input = 0; input < 2; input++) {
    printf("\n## %s\n", input ? "Inputs" : "Neurons");
    for (int i = 0; i < cls_model_count(); i++)
      if (cls_model_at(i)->is_input == input) print_model(cls_model_at(i));
  }
  const char *kind = "";
  for (int i = 0; i < cls_mechanism_count(); i++) {
    const cls_mechanism *m = cls_mechanism_at(i);
    if (strcmp(m->kind, kind) != 0)
      printf("\n## %s\n", strcmp(m->kind, "synapse") == 0 ? "Synapses" : "Haemodynamics");
    kind = m->kind;
    print_mechanism(m);
  }
}
