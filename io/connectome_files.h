/* Shared by the readers and writers of connectomes; private to io. */
#ifndef CALLOSUM_CONNECTOME_FILES_H
#define CALLOSUM_CONNECTOME_FILES_H

#include "network/connectome.h"

/* Root attributes of our HDF5 layout, whose description stands in connectome_hdf5.c. */
#define CLS_CONNECTOME_FORMAT "callosum-connectome"
enum { CLS_CONNECTOME_VERSION = 1 };

/* The readers behind cls_connectome_read, one per layout. The result is not checked yet. Messages begin with
 * the file. */
cls_status cls_connectome_read_tvb(const char *path, cls_connectome **connectome);
cls_status cls_connectome_read_hdf5(const char *path, cls_connectome **connectome);

/* Makes names unique: the second "rLOF" becomes "rLOF_2", the third "rLOF_3" ... (numbers that would give a
 * name that is there already are skipped). *renamed counts the names changed. */
cls_status cls_names_make_unique(char **names, uint32_t n, uint32_t *renamed);

/* Part of a path after its last slash. */
const char *cls_path_base(const char *path);

/* A text member of a zip, read line by line in bounded memory: stored, deflated, or a .bz2 inside. */
typedef struct cls_zip_text_ cls_zip_text;
struct zip;
/* `path` and `name` (the member's) are used in messages and must outlive the reader. */
cls_status cls_zip_text_open(struct zip *archive, const char *path, uint64_t index, const char *name,
                             cls_zip_text **text);
void cls_zip_text_close(cls_zip_text *text);
/* The next line that is neither blank nor begins with '#', without its end; NULL at the end of the member,
 * which has then been read to its checksum. Owned by the reader, writable, valid until the next call. */
cls_status cls_zip_text_line(cls_zip_text *text, char **line);
/* Number of the line last returned, from 1. */
uint64_t cls_zip_text_number(const cls_zip_text *text);

#endif
