/* Files as bytes: the whole of a small one, or how one begins. */
#ifndef CALLOSUM_FILE_H
#define CALLOSUM_FILE_H

#include "base/base.h"

/* Local. All of a file of at most `most` bytes, and a zero byte behind it that *size does not count; `what` it
 * is stands in messages. *text is NULL before, and to be freed by the caller, also after an error.
 * CLS_ERR_INPUT names the file and the system's reason, or the limit. */
cls_status cls_file_read(const char *path, const char *what, size_t most, char **text, size_t *size);
/* Local. Its first bytes, at most `room`; *n of them. CLS_ERR_INPUT names the file and the system's reason. */
cls_status cls_file_head(const char *path, void *head, size_t room, size_t *n);

#endif
