/* Packets of spikes between ranks: what they hold, who needs them, and who makes them. */
#ifndef CALLOSUM_PACKETS_H
#define CALLOSUM_PACKETS_H

#include "base/base.h"

/* A packet holds what one rank tells another of `interval` steps: the spikes of all members, as 32-bit words.
 *   word[0]                            words of the packet in all
 *   word[1 + member * interval + k]    where the spikes of that member in step k end, counted from the first spike
 *   the spikes, in that order          positions in the list of neurons that both ranks have; in any order within a step */

/* Words before the spikes. */
static inline size_t cls_packet_head(int members, uint32_t interval) {
  return 1 + (size_t)members * interval;
}

/* ---- routes: made once, after construction ---- */

/* A rank we receive from. The sender's i-th neuron on the agreed list is our slot slot[i]. */
typedef struct {
  int rank;
  uint32_t n;
  uint32_t *slot;
  uint32_t min_delay; /* least delay of its synapses here, in steps */
  uint32_t interval;  /* steps of a packet */
} cls_route_in;

/* A rank we send to. */
typedef struct {
  int rank;
  uint32_t n;
  uint32_t min_delay, interval;
} cls_route_out;

/* Local neuron -> (number of the outgoing route, position in the list of that route). */
typedef struct {
  uint32_t out, position;
} cls_route_entry;

typedef struct {
  cls_route_in *in;
  cls_route_out *out;
  int n_in, n_out;
  uint64_t *first;        /* [n_local + 1] of the entries of a local index */
  cls_route_entry *entry; /* ascending by route for each of them */
  size_t bytes;
  bool device_memory; /* what sends packets takes them from the memory of a GPU, and puts them there */
} cls_routes;

/* ---- who makes packets ---- */

/* A packet to be sent. */
typedef struct {
  const uint32_t *word;
  size_t words;
} cls_packet;

/* A packet that arrived. */
typedef struct {
  int in;        /* number of the incoming route */
  int64_t first; /* its first step */
  const uint32_t *word;
  size_t words; /* at least cls_packet_head() */
} cls_packet_in;

/* A packer makes packets and takes them, in memory of its own: the processor's, or, where the routes say so, that of a GPU.
 * Local. The exchange has one for backends that show all spikes; backends that keep them may bring their own. */
typedef struct {
  /* When step `now` is to be computed next: packet[p] becomes the packet of every outgoing route p whose interval divides
   * `now`. It stays as it is until the second next one of that route is asked for. */
  cls_status (*pack)(void *instance, int64_t now, cls_packet *packet);
  /* Where the next packet of incoming route `in` is to be put: room for `words` words, the first `kept` of which are those
   * that lie there. Routes have two rooms, `turn` 0 and 1, which may be one. Stays until it is asked for again. */
  cls_status (*room)(void *instance, int in, int turn, size_t kept, size_t words, uint32_t **word);
  /* Hands the spikes of packets to the backend, at most one of each route, before step `now` is computed. When it returns,
   * those of the last call have been read, those of this call may be read until the next. */
  cls_status (*unpack)(void *instance, int64_t now, const cls_packet_in *packets, int n);
  /* Seconds spent with packets so far, bytes held. */
  void (*report)(void *instance, double *seconds, size_t *bytes);
} cls_packer;

#endif
