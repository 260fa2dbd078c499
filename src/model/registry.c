/* Every model there is: one header, one C file and one line here. */
#include "model/mechanism.h"
#include <string.h>

#define MODELS(X)                                                                                            \
  X(lif_psc_exp)                                                                                             \
  X(lif_psc_delta)                                                                                           \
  X(lif_cond_exp)                                                                                            \
  X(lif_psc_alpha)                                                                                           \
  X(lif_dtb)                                                                                                 \
  X(izhikevich)                                                                                              \
  X(adex)                                                                                                    \
  X(hh_cond_exp)                                                                                             \
  X(qif)                                                                                                     \
  X(alif)                                                                                                    \
  X(glif)                                                                                                    \
  X(two_compartment)                                                                                         \
  X(lif_dendrite)                                                                                            \
  X(relay)                                                                                                   \
  X(poisson)                                                                                                 \
  X(inhomogeneous_poisson)                                                                                   \
  X(dc)                                                                                                      \
  X(ou)                                                                                                      \
  X(spike_train)

#define DECLARE(name) extern const cls_model cls_model_##name;
MODELS(DECLARE)
#define ENTER(name) &cls_model_##name,
static const cls_model *const registry[] = {MODELS(ENTER)};

/* In the order of the page of models: synapses, then haemodynamics. */
#define MECHANISMS(X) X(stdp) X(short_term) X(balloon)

#define DECLARE_MECHANISM(name) extern const cls_mechanism cls_mechanism_##name;
MECHANISMS(DECLARE_MECHANISM)
#define ENTER_MECHANISM(name) &cls_mechanism_##name,
static const cls_mechanism *const mechanisms[] = {MECHANISMS(ENTER_MECHANISM)};

int cls_mechanism_count(void) { return (int)(sizeof mechanisms / sizeof *mechanisms); }

const cls_mechanism *cls_mechanism_at(int index) { return mechanisms[index]; }

const cls_mechanism *cls_mechanism_find(const char *name) {
  for (int i = 0; i < cls_mechanism_count(); i++)
    if (strcmp(mechanisms[i]->name, name) == 0) return mechanisms[i];
  return NULL;
}

int cls_model_count(void) { return (int)(sizeof registry / sizeof *registry); }

const cls_model *cls_model_at(int index) { return registry[index]; }

const cls_model *cls_model_find(const char *name) {
  for (int i = 0; i < cls_model_count(); i++)
    if (strcmp(registry[i]->name, name) == 0) return registry[i];
  return NULL;
}

int cls_model_param(const cls_model *model, const char *name) {
  for (int i = 0; i < model->n_params; i++)
    if (strcmp(model->params[i].name, name) == 0) return i;
  return -1;
}

int cls_model_state(const cls_model *model, const char *name) {
  for (int i = 0; i < model->n_states; i++)
    if (strcmp(model->states[i].name, name) == 0) return i;
  return -1;
}

int cls_model_port(const cls_model *model, const char *name) {
  for (int i = 0; i < model->n_ports; i++)
    if (strcmp(model->ports[i].name, name) == 0 || strcmp(model->ports[i].receptor[0], name) == 0) return i;
  return -1;
}

int cls_model_port_receptor(const cls_model *model, int port) {
  int receptor = 0;
  for (int i = 0; i < port; i++) receptor += model->ports[i].receptors;
  return receptor;
}
