#include "io/checkpoint_slabs.h"
#include "io/checkpoint_manifest.h"
#include <stdlib.h>
#include <string.h>

/* Of a slab at most PART bytes are moved in a round; fewer where a rank would have more than ROOM bytes to send or to receive. */
enum { PART = 8 << 20, LEAST = 4 << 10, ROOM = 48 << 20 };

/* What goes to a rank, or comes from it, in a round: so many stretches, and bytes of them in all. */
typedef struct {
  uint32_t heads, bytes;
} parcel;
/* A stretch as told to another rank. */
typedef struct {
  uint64_t begin, bytes;
} head;

struct cls_slabs_ {
  cls_world world;
  parcel *out, *in; /* [ranks] */
  int *out_n, *out_at, *in_n, *in_at;
  char *out_buffer, *in_buffer, *slab;
  size_t out_room, in_room;
  /* Of the array under way. */
  uint64_t bytes;
  const cls_stretch *mine;
  size_t n;
  bool loading;
  uint64_t at, part; /* of every slab, [at, at + part) is moved in this round */
  cls_slab_part take;
  void *self;
  cls_status status; /* of this rank */
  char message[1024];
};

uint64_t cls_slab_begin(uint64_t bytes, int ranks, int rank) {
  const uint64_t grains = cls_checkpoint_grains(bytes), n = (uint64_t)ranks, r = (uint64_t)rank;
  const uint64_t begin = (grains / n * r + (grains % n < r ? grains % n : r)) * CLS_CHECKPOINT_GRAIN;
  return begin < bytes ? begin : bytes;
}

cls_status cls_slabs_create(const cls_world *world, cls_slabs **slabs) {
  const size_t ranks = (size_t)world->ranks;
  CLS_TRY(cls_alloc(slabs, 1, sizeof **slabs, "checkpoint"));
  cls_slabs *s = *slabs;
  s->world = *world;
  s->out_room = s->in_room = ROOM;
  CLS_TRY(cls_alloc(&s->out, ranks, sizeof *s->out, "checkpoint"));
  CLS_TRY(cls_alloc(&s->in, ranks, sizeof *s->in, "checkpoint"));
  CLS_TRY(cls_alloc(&s->out_n, ranks, sizeof *s->out_n, "checkpoint"));
  CLS_TRY(cls_alloc(&s->out_at, ranks, sizeof *s->out_at, "checkpoint"));
  CLS_TRY(cls_alloc(&s->in_n, ranks, sizeof *s->in_n, "checkpoint"));
  CLS_TRY(cls_alloc(&s->in_at, ranks, sizeof *s->in_at, "checkpoint"));
  CLS_TRY(cls_alloc_unset(&s->out_buffer, ROOM, 1, "transfers of a checkpoint"));
  CLS_TRY(cls_alloc_unset(&s->in_buffer, ROOM, 1, "transfers of a checkpoint"));
  return cls_alloc_unset(&s->slab, PART + 1, 1, "transfers of a checkpoint");
}

void cls_slabs_destroy(cls_slabs *s) {
  if (!s) return;
  free(s->out);
  free(s->in);
  free(s->out_n);
  free(s->out_at);
  free(s->in_n);
  free(s->in_at);
  free(s->out_buffer);
  free(s->in_buffer);
  free(s->slab);
  free(s);
}

/* ---- a round ---- */

/* The part of a rank's slab that is moved in this round. */
static void window_of(const cls_slabs *s, int rank, uint64_t *begin, uint64_t *end) {
  const uint64_t last = cls_slab_begin(s->bytes, s->world.ranks, rank + 1);
  *begin = cls_slab_begin(s->bytes, s->world.ranks, rank) + s->at;
  if (*begin > last) *begin = last;
  *end = last - *begin < s->part ? last : *begin + s->part;
}

/* The first of this rank's stretches that ends behind `at`. */
static size_t first_behind(const cls_slabs *s, uint64_t at) {
  size_t low = 0, high = s->n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (s->mine[middle].end <= at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* What of stretch `i` is within [begin, end); false: nothing. */
static bool cut(const cls_slabs *s, size_t i, uint64_t begin, uint64_t end, head *h, char **at) {
  if (i >= s->n || s->mine[i].begin >= end) return false;
  const cls_stretch *stretch = &s->mine[i];
  const uint64_t from = stretch->begin > begin ? stretch->begin : begin;
  *h = (head){from, (stretch->end < end ? stretch->end : end) - from};
  *at = stretch->at + (from - stretch->begin);
  return true;
}

static uint64_t head_bytes(const parcel *p) { return p->heads * (uint64_t)sizeof(head); }

/* Counts what this rank has to do with each other one; returns the bytes of it. */
static uint64_t count_own(cls_slabs *s) {
  uint64_t out = 0;
  for (int r = 0; r < s->world.ranks; r++) {
    uint64_t begin, end;
    head h;
    char *at;
    window_of(s, r, &begin, &end);
    s->out[r] = (parcel){0, 0};
    for (size_t i = begin < end ? first_behind(s, begin) : s->n; cut(s, i, begin, end, &h, &at); i++) {
      s->out[r].heads++;
      s->out[r].bytes += (uint32_t)h.bytes;
    }
    out += head_bytes(&s->out[r]) + s->out[r].bytes;
  }
  return out;
}

/* More bytes than there are: some rank has failed. */
#define FAILED UINT64_MAX

/* Counts that, and what others have to do with this rank; *most: bytes of the rank that has most. */
static cls_status count(cls_slabs *s, uint64_t *most) {
  uint64_t in = 0;
  const uint64_t out = count_own(s);
  MPI_Alltoall(s->out, 2, MPI_UINT32_T, s->in, 2, MPI_UINT32_T, s->world.comm);
  for (int r = 0; r < s->world.ranks; r++) in += head_bytes(&s->in[r]) + s->in[r].bytes;
  *most = s->status != CLS_OK ? FAILED : out > in ? out : in;
  CLS_CHECK(MPI_Allreduce(MPI_IN_PLACE, most, 1, MPI_UINT64_T, MPI_MAX, s->world.comm) == MPI_SUCCESS,
            CLS_ERR_MPI, "checkpoint: a reduction failed");
  return CLS_OK;
}

/* Chooses how much is moved, and makes room for it. Collective. *failed: all ranks know that one has failed. */
static cls_status prepare(cls_slabs *s, bool *failed) {
  uint64_t most = 0;
  for (;;) {
    CLS_TRY(count(s, &most));
    *failed = most == FAILED;
    if (*failed || most <= ROOM || s->part <= LEAST) break;
    s->part /= 2;
  }
  if (*failed || most <= ROOM) return CLS_OK;
  CLS_CHECK(most <= INT32_MAX, CLS_ERR_LIMIT, "checkpoint: a rank has pieces for too many others at once");
  cls_status status = cls_grow(&s->out_buffer, &s->out_room, most, 1, "transfers of a checkpoint");
  if (status == CLS_OK) status = cls_grow(&s->in_buffer, &s->in_room, most, 1, "transfers of a checkpoint");
  return cls_agree(s->world.comm, status);
}

/* Byte counts and places of messages that hold heads, bytes, or both. */
static void lay_out(const cls_slabs *s, const parcel *parcels, bool heads, bool bytes, int *n, int *at) {
  int sum = 0;
  for (int r = 0; r < s->world.ranks; r++) {
    n[r] = (int)((heads ? head_bytes(&parcels[r]) : 0) + (bytes ? parcels[r].bytes : 0));
    at[r] = sum;
    sum += n[r];
  }
}

static void keep_error(cls_slabs *s, cls_status status) {
  if (status == CLS_OK || s->status != CLS_OK) return;
  s->status = status;
  snprintf(s->message, sizeof s->message, "%s", cls_error_message());
}

/* Heads of this rank's stretches, and behind them (saving) their bytes, one rank after the other. */
static void pack(cls_slabs *s, bool with_bytes) {
  for (int r = 0; r < s->world.ranks; r++) {
    uint64_t begin, end;
    head h;
    char *at, *heads = s->out_buffer + s->out_at[r], *to = heads + head_bytes(&s->out[r]);
    window_of(s, r, &begin, &end);
    for (size_t i = begin < end ? first_behind(s, begin) : s->n; cut(s, i, begin, end, &h, &at); i++) {
      memcpy(heads, &h, sizeof h);
      heads += sizeof h;
      if (!with_bytes) continue;
      memcpy(to, at, h.bytes);
      to += h.bytes;
    }
  }
}

/* Whether a stretch that rank `r` speaks of lies in this rank's window. */
static bool within(const cls_slabs *s, const head *h) {
  uint64_t begin, end;
  window_of(s, s->world.rank, &begin, &end);
  return h->begin >= begin && h->begin <= end && h->bytes <= end - h->begin;
}

/* What came lies in the slab where it belongs. */
static void unpack_into_slab(cls_slabs *s, uint64_t begin, uint64_t end) {
  uint64_t copied = 0;
  for (int r = 0; r < s->world.ranks; r++) {
    const char *heads = s->in_buffer + s->in_at[r], *from = heads + head_bytes(&s->in[r]);
    for (uint32_t k = 0; k < s->in[r].heads; k++, heads += sizeof(head)) {
      head h;
      memcpy(&h, heads, sizeof h);
      if (!within(s, &h)) break;
      memcpy(s->slab + (h.begin - begin), from, h.bytes);
      from += h.bytes;
      copied += h.bytes;
    }
  }
  if (copied != end - begin)
    keep_error(s, cls_fail(CLS_ERR_INTERNAL, "%llu of %llu bytes of a part were handed over",
                           (unsigned long long)copied, (unsigned long long)(end - begin)));
}

/* Gives each rank the bytes of the slab that it asked for. */
static void pack_from_slab(cls_slabs *s, uint64_t begin, const char *asked, const int *asked_at) {
  for (int r = 0; r < s->world.ranks; r++) {
    const char *heads = asked + asked_at[r];
    char *to = s->out_buffer + s->out_at[r];
    for (uint32_t k = 0; k < s->in[r].heads; k++, heads += sizeof(head)) {
      head h;
      memcpy(&h, heads, sizeof h);
      if (!within(s, &h)) break;
      memcpy(to, s->slab + (h.begin - begin), h.bytes);
      to += h.bytes;
    }
  }
}

/* What was asked for came, in the order of the asking. */
static void unpack_into_pieces(cls_slabs *s) {
  for (int r = 0; r < s->world.ranks; r++) {
    const char *from = s->in_buffer + s->in_at[r];
    uint64_t begin, end;
    head h;
    char *at;
    window_of(s, r, &begin, &end);
    for (size_t i = begin < end ? first_behind(s, begin) : s->n; cut(s, i, begin, end, &h, &at); i++) {
      memcpy(at, from, h.bytes);
      from += h.bytes;
    }
  }
}

static cls_status exchange(cls_slabs *s) {
  CLS_CHECK(MPI_Alltoallv(s->out_buffer, s->out_n, s->out_at, MPI_BYTE, s->in_buffer, s->in_n, s->in_at,
                          MPI_BYTE, s->world.comm) == MPI_SUCCESS,
            CLS_ERR_MPI, "checkpoint: an exchange failed");
  return CLS_OK;
}

static cls_status save_round(cls_slabs *s, uint64_t begin, uint64_t end) {
  lay_out(s, s->out, true, true, s->out_n, s->out_at);
  lay_out(s, s->in, true, true, s->in_n, s->in_at);
  pack(s, true);
  CLS_TRY(exchange(s));
  unpack_into_slab(s, begin, end);
  if (begin < end && s->status == CLS_OK) keep_error(s, s->take(s->self, begin, end - begin, s->slab));
  return CLS_OK;
}

static cls_status load_round(cls_slabs *s, uint64_t begin, uint64_t end) {
  bool asked = false;
  lay_out(s, s->out, true, false, s->out_n, s->out_at);
  lay_out(s, s->in, true, false, s->in_n, s->in_at);
  pack(s, false);
  CLS_TRY(exchange(s));
  for (int r = 0; r < s->world.ranks; r++) asked = asked || s->in[r].heads > 0;
  if (begin < end && asked && s->status == CLS_OK)
    keep_error(s, s->take(s->self, begin, end - begin, s->slab));
  /* The answers go the other way; what was asked lies in the buffer that the answers come into. */
  lay_out(s, s->in, false, true, s->out_n, s->out_at);
  pack_from_slab(s, begin, s->in_buffer, s->in_at);
  lay_out(s, s->out, false, true, s->in_n, s->in_at);
  CLS_TRY(exchange(s));
  unpack_into_pieces(s);
  return CLS_OK;
}

/* One rank: its slab is all, nothing is exchanged. What one stretch holds goes from where it lies, or there. */
static cls_status move_alone(cls_slabs *s) {
  bool asked;
  uint64_t end;
  for (uint64_t begin = 0; begin < s->bytes; begin = end) {
    const size_t first = first_behind(s, begin);
    head h;
    char *at;
    end = s->bytes - begin < PART ? s->bytes : begin + PART;
    asked = cut(s, first, begin, end, &h, &at);
    if (asked && h.bytes == end - begin) {
      CLS_TRY(s->take(s->self, begin, end - begin, at));
      continue;
    }
    if (s->loading && asked) CLS_TRY(s->take(s->self, begin, end - begin, s->slab));
    uint64_t copied = 0;
    for (size_t i = first; cut(s, i, begin, end, &h, &at); i++) {
      memcpy(s->loading ? at : s->slab + (h.begin - begin), s->loading ? s->slab + (h.begin - begin) : at,
             h.bytes);
      copied += h.bytes;
    }
    CLS_CHECK(s->loading || copied == end - begin, CLS_ERR_INTERNAL,
              "%llu of %llu bytes of a part were handed over", (unsigned long long)copied,
              (unsigned long long)(end - begin));
    if (!s->loading) CLS_TRY(s->take(s->self, begin, end - begin, s->slab));
  }
  return CLS_OK;
}

/* ---- arrays that are rank 0's slab alone ---- */

/* Rank 0 gathers what the others have; they do not wait for it. */
static cls_status save_small(cls_slabs *s) {
  const parcel none = {0, 0};
  const cls_status before = s->status;
  if (before != CLS_OK) s->n = 0;
  (void)count_own(s);
  MPI_Gather(&s->out[0], 2, MPI_UINT32_T, s->in, 2, MPI_UINT32_T, 0, s->world.comm);
  for (int r = 0; r < s->world.ranks && s->world.rank != 0; r++) s->in[r] = none;
  lay_out(s, s->out, true, true, s->out_n, s->out_at);
  lay_out(s, s->in, true, true, s->in_n, s->in_at);
  pack(s, true);
  CLS_CHECK(MPI_Gatherv(s->out_buffer, s->out_n[0], MPI_BYTE, s->in_buffer, s->in_n, s->in_at, MPI_BYTE, 0,
                        s->world.comm) == MPI_SUCCESS,
            CLS_ERR_MPI, "checkpoint: an exchange failed");
  if (s->world.rank != 0 || before != CLS_OK) return CLS_OK;
  unpack_into_slab(s, 0, s->bytes);
  if (s->status == CLS_OK) keep_error(s, s->take(s->self, 0, s->bytes, s->slab));
  return CLS_OK;
}

/* Rank 0 reads all of it, all get all of it. */
static cls_status load_small(cls_slabs *s, bool *failed) {
  if (s->world.rank == 0 && s->status == CLS_OK) keep_error(s, s->take(s->self, 0, s->bytes, s->slab));
  s->slab[s->bytes] = s->status != CLS_OK;
  CLS_CHECK(MPI_Bcast(s->slab, (int)s->bytes + 1, MPI_BYTE, 0, s->world.comm) == MPI_SUCCESS, CLS_ERR_MPI,
            "checkpoint: a broadcast failed");
  *failed = s->slab[s->bytes] != 0;
  for (size_t i = 0; i < s->n; i++)
    memcpy(s->mine[i].at, s->slab + s->mine[i].begin, s->mine[i].end - s->mine[i].begin);
  return CLS_OK;
}

cls_status cls_slabs_move(cls_slabs *s, uint64_t bytes, const cls_stretch *mine, size_t n, bool loading,
                          cls_slab_part part, void *self, cls_status status, bool *failed) {
  s->bytes = bytes, s->mine = mine, s->n = n, s->loading = loading, s->take = part, s->self = self;
  s->part = PART, s->status = status, s->at = 0;
  *failed = false;
  const uint64_t longest = cls_slab_begin(bytes, s->world.ranks, 1);
  if (s->world.ranks == 1) {
    if (status == CLS_OK) keep_error(s, move_alone(s));
    *failed = s->status != CLS_OK;
  } else if (bytes <= CLS_CHECKPOINT_GRAIN) {
    CLS_TRY(loading ? load_small(s, failed) : save_small(s));
  } else {
    for (; s->at < longest; s->at += s->part) {
      uint64_t begin, end;
      CLS_TRY(prepare(s, failed));
      if (*failed) break;
      window_of(s, s->world.rank, &begin, &end);
      CLS_TRY(loading ? load_round(s, begin, end) : save_round(s, begin, end));
    }
  }
  if (status == CLS_OK && s->status != CLS_OK) cls_fail(s->status, "%s", s->message);
  return s->status;
}
