/* What rows and observations of an assimilation belong to. */
#include "io/assimilation_options.h"

uint32_t cls_site_count(const cls_network *network) {
  return network->n_regions > 0 ? network->n_regions : network->n_populations;
}

const char *cls_site_name(const cls_network *network, uint32_t site) {
  return network->n_regions > 0 ? network->regions[site].name : network->populations[site].name;
}

uint32_t cls_site_of(const cls_network *network, uint32_t population) {
  return network->n_regions > 0 ? (uint32_t)network->populations[population].region : population;
}
