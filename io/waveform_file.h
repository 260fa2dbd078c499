/* Files behind waveforms: samples, and the events of a BIDS run. */
#ifndef CALLOSUM_WAVEFORM_FILE_H
#define CALLOSUM_WAVEFORM_FILE_H

#include "network/waveform.h"

/* Local. Fills time_ms, sample and n of `wave` (allocated; the waveform's) from a table of numbers in text
 * (comma, tab or space) or in HDF5 (`dataset`, which text has not: NULL): two columns, time in ms and value,
 * or one column of values `interval_ms` apart (0: there are two). CLS_ERR_INPUT names the file and what was
 * expected. */
cls_status cls_waveform_read(const char *path, const char *dataset, double interval_ms, cls_wave *wave);

/* Local. The same from events.tsv (Brain Imaging Data Structure, "Task events"): 1 while an event whose
 * trial_type matches `pattern` (as in a shell) lasts, else 0. Columns onset and duration are in seconds;
 * overlapping events are one. *events: how many matched, at least 1. CLS_ERR_INPUT names file, line, column
 * and value. */
cls_status cls_events_read(const char *path, const char *pattern, cls_wave *wave, uint64_t *events);

#endif
