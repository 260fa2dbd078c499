/* The tree itself: memory, building, looking up, and where a value stands. */
#include "io/yaml_tree.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Memory comes from chunks that only grow: a tree is freed as a whole. */
typedef struct chunk_ {
  struct chunk_ *next;
  size_t used, size;
  _Alignas(16) char bytes[];
} chunk;

struct cls_yaml_tree_ {
  chunk *chunks;
};

enum { CHUNK_BYTES = 1 << 16, MESSAGE_BYTES = 1024, PATH_BYTES = 256 };

static cls_status take(cls_yaml_tree *tree, size_t bytes, void *pointer_to_pointer) {
  bytes = (bytes + 15) / 16 * 16;
  chunk *c = tree->chunks;
  if (!c || c->size - c->used < bytes) {
    size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    CLS_TRY(cls_alloc(&c, 1, sizeof *c + size, "job tree"));
    c->size = size;
    c->next = tree->chunks;
    tree->chunks = c;
  }
  *(void **)pointer_to_pointer = c->bytes + c->used;
  c->used += bytes;
  return CLS_OK;
}

static cls_status copy_text(cls_yaml_tree *tree, const char *text, size_t size, const char **copy) {
  char *bytes;
  CLS_TRY(take(tree, size + 1, &bytes));
  if (size) memcpy(bytes, text, size);
  bytes[size] = 0;
  *copy = bytes;
  return CLS_OK;
}

cls_status cls_yaml_tree_create(cls_yaml_tree **tree) {
  return cls_alloc(tree, 1, sizeof **tree, "job tree");
}

void cls_yaml_tree_destroy(cls_yaml_tree *tree) {
  if (!tree) return;
  for (chunk *c = tree->chunks, *next; c; c = next) {
    next = c->next;
    free(c);
  }
  free(tree);
}

cls_status cls_yaml_node(cls_yaml_tree *tree, cls_yaml_kind kind, const char *text, size_t size,
                         const char *origin, int line, cls_yaml **node) {
  CLS_TRY(take(tree, sizeof **node, node));
  **node = (cls_yaml){.kind = kind, .origin = origin, .line = line, .plain = true};
  if (kind == CLS_YAML_SCALAR) CLS_TRY(copy_text(tree, text, size, &(*node)->text));
  return CLS_OK;
}

cls_status cls_yaml_append(cls_yaml_tree *tree, cls_yaml *parent, const char *key, cls_yaml *item) {
  if (parent->n == parent->capacity) {
    size_t capacity = parent->capacity ? 2 * parent->capacity : 8;
    cls_yaml **items;
    CLS_TRY(take(tree, capacity * sizeof *items, &items));
    if (parent->n) memcpy(items, parent->items, parent->n * sizeof *items);
    parent->items = items;
    parent->capacity = capacity;
  }
  item->key = NULL;
  if (key) CLS_TRY(copy_text(tree, key, strlen(key), &item->key));
  item->parent = parent;
  item->index = parent->n;
  parent->items[parent->n++] = item;
  return CLS_OK;
}

void cls_yaml_replace(cls_yaml *old, cls_yaml *item) {
  item->parent = old->parent;
  item->key = old->key;
  item->index = old->index;
  old->parent->items[old->index] = item;
}

cls_yaml *cls_yaml_get(const cls_yaml *map, const char *key) {
  if (map->kind != CLS_YAML_MAP) return NULL;
  for (size_t i = 0; i < map->n; i++)
    if (strcmp(map->items[i]->key, key) == 0) return map->items[i];
  return NULL;
}

cls_status cls_yaml_section(cls_yaml_tree *tree, const cls_yaml *map, const char *key,
                            const cls_yaml **section) {
  cls_yaml *found = cls_yaml_get(map, key);
  if (!found) {
    CLS_TRY(cls_yaml_node(tree, CLS_YAML_MAP, NULL, 0, map->origin, map->line, &found));
    CLS_TRY(copy_text(tree, key, strlen(key), &found->key));
    found->parent = (cls_yaml *)map; /* never written through: the section is only read */
  }
  char words[PATH_BYTES];
  if (found->kind != CLS_YAML_MAP)
    return cls_yaml_fail(found, "%s: expected a mapping of keys to values",
                         cls_yaml_describe(found, words, sizeof words));
  *section = found;
  return CLS_OK;
}

const char *cls_yaml_describe(const cls_yaml *node, char *buffer, size_t size) {
  if (node->kind == CLS_YAML_LIST)
    snprintf(buffer, size, "a list");
  else if (node->kind == CLS_YAML_MAP)
    snprintf(buffer, size, "a mapping");
  else if (node->plain && !*node->text)
    snprintf(buffer, size, "no value");
  else
    snprintf(buffer, size, "value '%.80s'%s", node->text, strlen(node->text) > 80 ? "..." : "");
  for (char *c = buffer; *c; c++) /* a message stays one line */
    if ((unsigned char)*c < ' ') *c = ' ';
  return buffer;
}

const char *cls_yaml_path(const cls_yaml *node, char *buffer, size_t size) {
  const cls_yaml *chain[64];
  int n = 0;
  for (const cls_yaml *at = node; at && at->parent && n < 64; at = at->parent) chain[n++] = at;
  size_t used = 0;
  buffer[0] = 0;
  while (n-- > 0 && used < size) {
    const char *dot = used ? "." : "";
    int wrote = chain[n]->key ? snprintf(buffer + used, size - used, "%s%s", dot, chain[n]->key)
                              : snprintf(buffer + used, size - used, "%s%zu", dot, chain[n]->index);
    if (wrote < 0) break;
    used += (size_t)wrote;
  }
  return buffer;
}

/* "ORIGIN:LINE: key.path" */
static void locate(const cls_yaml *node, char *buffer, size_t size) {
  char path[PATH_BYTES], line[24] = "";
  cls_yaml_path(node, path, sizeof path);
  if (node->line > 0) snprintf(line, sizeof line, ":%d", node->line);
  bool cut = node->line == 0 && strlen(node->origin) > 120; /* an option may hold a whole section */
  snprintf(buffer, size, "%.*s%s%s%s%s", cut ? 120 : MESSAGE_BYTES, node->origin, cut ? "..." : "", line,
           *path ? ": " : "", path);
}

cls_status cls_yaml_fail(const cls_yaml *node, const char *format, ...) {
  char where[MESSAGE_BYTES], what[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  locate(node, where, sizeof where);
  /* Values are quoted as they were written; a message stays one line. */
  for (char *c = what; *c; c++)
    if ((unsigned char)*c < ' ') *c = ' ';
  return cls_fail(CLS_ERR_INPUT, "%s: %s", where, what);
}

cls_status cls_yaml_prefix(const cls_yaml *node, cls_status status) {
  char where[MESSAGE_BYTES];
  locate(node, where, sizeof where);
  return cls_error_prefix(status, "%s", where);
}
