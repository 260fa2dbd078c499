/* The packer of ranks whose backend shows all spikes: in the processor's memory. */
#ifndef CALLOSUM_HOST_PACKER_H
#define CALLOSUM_HOST_PACKER_H

#include "engine/engine.h"

extern const cls_packer cls_host_packer;

/* `routes` are borrowed. */
cls_status cls_host_packer_create(const cls_routes *routes, int members, void **instance);
void cls_host_packer_destroy(void *instance);
/* Notes the spikes of a member: they go into packets to come. */
cls_status cls_host_packer_note(void *instance, int member, const cls_spikes *spikes);
/* See cls_exchange.receive. */
cls_status cls_host_packer_receive(void *instance, int member, int64_t now, const cls_arrival **arrivals,
                                   size_t *n);

#endif
