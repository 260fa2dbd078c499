#include "jobs/run_profile.h"

/* A profile is a row of counts. */
enum { COUNTS = sizeof(cls_profile) / sizeof(uint64_t) };
_Static_assert(COUNTS * sizeof(uint64_t) == sizeof(cls_profile), "a profile holds 64-bit counts only");

void cls_run_profile_gather(const cls_run *run, const cls_engine *engine, cls_run_profile *profile) {
  cls_engine_report report;
  cls_engine_measure(engine, &report);
  profile->any = report.profiled; /* the same on all ranks */
  if (!profile->any) return;
  MPI_Allreduce(&report.profile, &profile->most, COUNTS, MPI_UINT64_T, MPI_MAX, run->world.comm);
  MPI_Allreduce(&report.profile, &profile->sum, COUNTS, MPI_UINT64_T, MPI_SUM, run->world.comm);
}

static double per_step(uint64_t count, const cls_profile *p) {
  return p->steps > 0 ? (double)count / (double)p->steps : 0;
}

void cls_run_profile_print(const cls_run *run, const cls_run_profile *profile) {
  const cls_world *world = &run->world;
  const cls_profile *p = &profile->most;
  if (!profile->any) {
    cls_log(world, 1, "\nprofile: backend %s launches no kernels", run->backend->name);
    return;
  }
  cls_log(world, 1, "\nprofile (of the rank with most of each)");
  cls_log(world, 1, "  %llu steps in %llu launches: %.4g kernels per step", (unsigned long long)p->steps,
          (unsigned long long)p->launches, per_step(p->launches, p));
  cls_log(world, 1, "  %llu copies to the GPU (%.4g bytes per step), %llu back (%.4g bytes per step)",
          (unsigned long long)p->copies_in, per_step(p->bytes_in, p), (unsigned long long)p->copies_out,
          per_step(p->bytes_out, p));
  cls_log(world, 1, "  %llu allocations of its memory in the loop", (unsigned long long)p->allocations);
  cls_log(world, 1, "  memory traffic of at least %.4g bytes per step: update %.4g, delivery %.4g",
          per_step(p->update_bytes + p->deliver_bytes, p), per_step(p->update_bytes, p),
          per_step(p->deliver_bytes, p));
}

void cls_run_profile_add(cJSON *summary, const cls_run_profile *profile) {
  const cls_profile *p = &profile->most;
  cJSON *o = profile->any ? cJSON_AddObjectToObject(summary, "profile") : NULL;
  if (!o) return;
  cJSON_AddNumberToObject(o, "steps", (double)p->steps);
  cJSON_AddNumberToObject(o, "launches", (double)p->launches);
  cJSON_AddNumberToObject(o, "copies_to_gpu", (double)p->copies_in);
  cJSON_AddNumberToObject(o, "copies_from_gpu", (double)p->copies_out);
  cJSON_AddNumberToObject(o, "bytes_to_gpu", (double)p->bytes_in);
  cJSON_AddNumberToObject(o, "bytes_from_gpu", (double)p->bytes_out);
  cJSON_AddNumberToObject(o, "allocations", (double)p->allocations);
  cJSON_AddNumberToObject(o, "update_bytes", (double)p->update_bytes);
  cJSON_AddNumberToObject(o, "deliver_bytes", (double)p->deliver_bytes);
}
