/* Text to tree and back, by libyaml; and --set, which is text laid over a tree. */
#include "io/yaml_tree.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 32, MAX_NODES = 1000000, MAX_PATH = 512 };

/* ---- reading ---- */

typedef struct {
  cls_yaml_tree *tree;
  yaml_document_t *document;
  const char *origin;
  bool has_lines;
  size_t nodes;
} reading;

static int line_of(const reading *r, yaml_mark_t mark) { return r->has_lines ? (int)mark.line + 1 : 0; }

/* Where there is no node to blame yet. */
static cls_status fail_at(const reading *r, yaml_mark_t mark, const char *message) {
  cls_yaml place = {.origin = r->origin, .line = line_of(r, mark)};
  return cls_yaml_fail(&place, "%s", message);
}

static bool default_tag(const yaml_node_t *node) {
  const char *tag = (const char *)node->tag;
  const char *expected = node->type == YAML_SCALAR_NODE     ? YAML_STR_TAG
                         : node->type == YAML_SEQUENCE_NODE ? YAML_SEQ_TAG
                                                            : YAML_MAP_TAG;
  return !tag || strcmp(tag, expected) == 0;
}

static cls_status convert(reading *r, int id, int depth, cls_yaml **out);

static cls_status convert_pairs(reading *r, const yaml_node_t *node, int depth, cls_yaml *map) {
  for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
    const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
    if (key->type != YAML_SCALAR_NODE) return fail_at(r, key->start_mark, "a key must be a word");
    const char *name = (const char *)key->data.scalar.value;
    if (strlen(name) != key->data.scalar.length || !*name)
      return fail_at(r, key->start_mark, "a key must be a word, not empty");
    cls_yaml *item, *before = cls_yaml_get(map, name);
    if (before) {
      cls_yaml place = *before;
      place.line = line_of(r, key->start_mark);
      if (before->line > 0)
        return cls_yaml_fail(&place, "key stands here for the second time, first in line %d", before->line);
      return cls_yaml_fail(&place, "key stands here for the second time");
    }
    CLS_TRY(convert(r, pair->value, depth + 1, &item));
    /* An error about `key:` without value, or about a block below it, is best shown at the key. */
    item->line = line_of(r, key->start_mark);
    CLS_TRY(cls_yaml_append(r->tree, map, name, item));
  }
  return CLS_OK;
}

static cls_status convert(reading *r, int id, int depth, cls_yaml **out) {
  const yaml_node_t *node = yaml_document_get_node(r->document, id);
  if (depth > MAX_DEPTH)
    return fail_at(r, node->start_mark, "nested more than 32 deep (does an alias contain itself?)");
  if (++r->nodes > MAX_NODES)
    return fail_at(r, node->start_mark, "more than 1,000,000 values, aliases expanded");
  if (!default_tag(node)) return fail_at(r, node->start_mark, "tags (!name) are not used in job files");
  int line = line_of(r, node->start_mark);
  if (node->type == YAML_SCALAR_NODE) {
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length)
      return fail_at(r, node->start_mark, "a value contains a zero byte");
    CLS_TRY(cls_yaml_node(r->tree, CLS_YAML_SCALAR, text, node->data.scalar.length, r->origin, line, out));
    (*out)->plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return CLS_OK;
  }
  if (node->type == YAML_MAPPING_NODE) {
    CLS_TRY(cls_yaml_node(r->tree, CLS_YAML_MAP, NULL, 0, r->origin, line, out));
    return convert_pairs(r, node, depth, *out);
  }
  CLS_TRY(cls_yaml_node(r->tree, CLS_YAML_LIST, NULL, 0, r->origin, line, out));
  for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
       item++) {
    cls_yaml *value;
    CLS_TRY(convert(r, *item, depth + 1, &value));
    CLS_TRY(cls_yaml_append(r->tree, *out, NULL, value));
  }
  return CLS_OK;
}

static cls_status parser_error(const reading *r, const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR)
    return cls_fail(CLS_ERR_MEMORY, "%s: out of memory in libyaml", r->origin);
  char message[256];
  snprintf(message, sizeof message, "not YAML: %s%s%s", parser->problem ? parser->problem : "unreadable",
           parser->context ? " " : "", parser->context ? parser->context : "");
  yaml_mark_t mark = parser->problem_mark;
  return fail_at(r, mark, message);
}

static cls_status read_documents(reading *r, yaml_parser_t *parser, cls_yaml **root) {
  yaml_document_t document;
  if (!yaml_parser_load(parser, &document)) return parser_error(r, parser);
  yaml_node_t *top = yaml_document_get_root_node(&document);
  r->document = &document;
  cls_status status =
      top ? convert(r, 1, 0, root) : fail_at(r, parser->mark, "empty: expected a mapping of sections");
  yaml_document_delete(&document);
  CLS_TRY(status);
  yaml_document_t second;
  if (!yaml_parser_load(parser, &second)) return parser_error(r, parser);
  yaml_node_t *more = yaml_document_get_root_node(&second);
  if (more) status = fail_at(r, more->start_mark, "a second document starts here: expected one");
  yaml_document_delete(&second);
  return status;
}

cls_status cls_yaml_parse(cls_yaml_tree *tree, const char *text, size_t size, const char *origin,
                          bool has_lines, cls_yaml **root) {
  cls_yaml *name; /* a node only to have the origin copied into the tree */
  CLS_TRY(cls_yaml_node(tree, CLS_YAML_SCALAR, origin, strlen(origin), NULL, 0, &name));
  reading r = {.tree = tree, .origin = name->text, .has_lines = has_lines};
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser))
    return cls_fail(CLS_ERR_MEMORY, "%s: out of memory in libyaml", origin);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  cls_status status = read_documents(&r, &parser, root);
  yaml_parser_delete(&parser);
  return status;
}

/* ---- --set ---- */

/* Position in a list as text says; -1 where it is no number. */
static long list_index(const char *text) {
  if (!*text || strlen(text) > 9) return -1;
  for (const char *c = text; *c; c++)
    if (*c < '0' || *c > '9') return -1;
  return strtol(text, NULL, 10);
}

/* The child of `at` that `name` means; NULL: none yet, and it may be appended. */
static cls_status step_into(const char *option, const cls_yaml *at, const char *name, cls_yaml **child) {
  char path[MAX_PATH], words[128];
  if (at->kind == CLS_YAML_MAP) {
    *child = cls_yaml_get(at, name);
    return CLS_OK;
  }
  if (at->kind == CLS_YAML_SCALAR)
    return cls_fail(CLS_ERR_INPUT, "--set %s: '%s' is %s, nothing can be set below it", option,
                    cls_yaml_path(at, path, sizeof path), cls_yaml_describe(at, words, sizeof words));
  long i = list_index(name);
  if (i < 0 || (size_t)i > at->n)
    return cls_fail(
        CLS_ERR_INPUT,
        "--set %s: '%s' is a list of %zu: expected a number from 0 to %zu (%zu appends), not '%s'", option,
        cls_yaml_path(at, path, sizeof path), at->n, at->n, at->n, name);
  *child = (size_t)i < at->n ? at->items[i] : NULL;
  return CLS_OK;
}

/* Whether a text is UTF-8 without control characters: what libyaml takes for a key that it is to write. */
static bool is_plain_text(const char *text, size_t n) {
  for (size_t i = 0; i < n;) {
    const unsigned char c = (unsigned char)text[i++];
    const int more = c < 0x80                ? 0
                     : c >= 0xc2 && c < 0xe0 ? 1
                     : c >= 0xe0 && c < 0xf0 ? 2
                     : c >= 0xf0 && c < 0xf5 ? 3
                                             : -1;
    uint32_t code = more <= 0 ? c : c & (0x3f >> more);
    if (more < 0 || c < ' ' || c == 127 || n - i < (size_t)more) return false;
    for (int k = 0; k < more; k++, i++) {
      if (((unsigned char)text[i] & 0xc0) != 0x80) return false;
      code = code << 6 | ((unsigned char)text[i] & 0x3f);
    }
    const bool surrogate = code >= 0xd800 && code < 0xe000,
               overlong = more == 2 ? code < 0x800 : more == 3 && code < 0x10000;
    if (surrogate || overlong || code > 0x10ffff) return false;
  }
  return true;
}

cls_status cls_yaml_set(cls_yaml_tree *tree, cls_yaml *root, const char *option) {
  const char *equals = strchr(option, '=');
  char path[MAX_PATH];
  CLS_CHECK(equals && equals != option && equals[1], CLS_ERR_INPUT, "--set %s: expected key.path=value",
            option);
  CLS_CHECK((size_t)(equals - option) < sizeof path, CLS_ERR_INPUT, "--set %.60s...: key longer than %d",
            option, MAX_PATH - 1);
  CLS_CHECK(is_plain_text(option, (size_t)(equals - option)), CLS_ERR_INPUT,
            "--set %s: expected a key in UTF-8, without control characters", option);
  memcpy(path, option, (size_t)(equals - option));
  path[equals - option] = 0;

  char *origin = cls_format("--set %s", option);
  CLS_CHECK(origin, CLS_ERR_MEMORY, "--set %s: out of memory", option);
  cls_yaml *value;
  cls_status status = cls_yaml_parse(tree, equals + 1, strlen(equals + 1), origin, false, &value);
  free(origin);
  CLS_TRY(status);

  cls_yaml *at = root;
  for (char *name = path, *dot;; name = dot + 1) {
    dot = strchr(name, '.');
    if (dot) *dot = 0;
    CLS_CHECK(*name, CLS_ERR_INPUT, "--set %s: expected key.path=value, but a key is empty", option);
    cls_yaml *child;
    CLS_TRY(step_into(option, at, name, &child));
    if (!dot && child) {
      cls_yaml_replace(child, value);
      return CLS_OK;
    }
    if (!child) {
      child = value;
      if (dot) CLS_TRY(cls_yaml_node(tree, CLS_YAML_MAP, NULL, 0, value->origin, 0, &child));
      CLS_TRY(cls_yaml_append(tree, at, at->kind == CLS_YAML_MAP ? name : NULL, child));
      if (!dot) return CLS_OK;
    }
    at = child;
  }
}

/* ---- writing ---- */

typedef struct {
  char *text;
  size_t size, capacity;
  cls_status status;
} buffer;

static int write_bytes(void *context, unsigned char *bytes, size_t size) {
  buffer *b = context;
  b->status = cls_grow(&b->text, &b->capacity, b->size + size + 1, 1, "job text");
  if (b->status != CLS_OK) return 0;
  memcpy(b->text + b->size, bytes, size);
  b->size += size;
  b->text[b->size] = 0;
  return 1;
}

/* Mappings and lists of scalars go on one line, except the sections themselves. */
static bool one_line(const cls_yaml *node) {
  if (!node->parent || !node->parent->parent) return node->kind == CLS_YAML_LIST && node->n == 0;
  for (size_t i = 0; i < node->n; i++)
    if (node->items[i]->kind != CLS_YAML_SCALAR) return false;
  return true;
}

/* libyaml frees the event whether or not it could be written. */
static bool emit_scalar(yaml_emitter_t *emitter, const char *text, bool plain) {
  yaml_event_t event;
  return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
                                      plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE) &&
         yaml_emitter_emit(emitter, &event);
}

static bool emit_node(yaml_emitter_t *emitter, const cls_yaml *node) {
  yaml_event_t event;
  if (node->kind == CLS_YAML_SCALAR) return emit_scalar(emitter, node->text, node->plain);
  bool map = node->kind == CLS_YAML_MAP, flow = one_line(node);
  bool begun = map ? yaml_mapping_start_event_initialize(
                         &event, NULL, NULL, 1, flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE)
                   : yaml_sequence_start_event_initialize(
                         &event, NULL, NULL, 1, flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
  if (!begun || !yaml_emitter_emit(emitter, &event)) return false;
  for (size_t i = 0; i < node->n; i++) {
    if (map && !emit_scalar(emitter, node->items[i]->key, true)) return false;
    if (!emit_node(emitter, node->items[i])) return false;
  }
  if (!(map ? yaml_mapping_end_event_initialize(&event) : yaml_sequence_end_event_initialize(&event)))
    return false;
  return yaml_emitter_emit(emitter, &event);
}

static bool emit_stream(yaml_emitter_t *emitter, const cls_yaml *root) {
  yaml_event_t event;
  if (!yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) || !yaml_emitter_emit(emitter, &event))
    return false;
  if (!yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) ||
      !yaml_emitter_emit(emitter, &event))
    return false;
  if (!emit_node(emitter, root)) return false;
  if (!yaml_document_end_event_initialize(&event, 1) || !yaml_emitter_emit(emitter, &event)) return false;
  return yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static cls_status emit_once(const cls_yaml *root, char **text) {
  buffer b = {0};
  yaml_emitter_t emitter;
  CLS_CHECK(yaml_emitter_initialize(&emitter), CLS_ERR_MEMORY, "job text: out of memory in libyaml");
  yaml_emitter_set_output(&emitter, write_bytes, &b);
  yaml_emitter_set_width(&emitter, 110);
  yaml_emitter_set_unicode(&emitter, 1);
  bool done = emit_stream(&emitter, root);
  cls_status status = b.status;
  if (!done && status == CLS_OK)
    status =
        cls_fail(CLS_ERR_INTERNAL, "job text: libyaml: %s", emitter.problem ? emitter.problem : "failed");
  yaml_emitter_delete(&emitter);
  if (status != CLS_OK) {
    free(b.text);
    return status;
  }
  *text = b.text;
  return CLS_OK;
}

/* Words that libyaml cannot write without quotes get quotes of its choice, and others once they are read with quotes: the text is
 * that of the second time, which stays. */
cls_status cls_yaml_emit(const cls_yaml *root, char **text) {
  cls_yaml_tree *tree = NULL;
  cls_yaml *again;
  char *second = NULL;
  CLS_TRY(emit_once(root, text));
  if (root->parent) return CLS_OK; /* a part of a tree is laid out by where it stands */
  if (cls_yaml_tree_create(&tree) == CLS_OK &&
      cls_yaml_parse(tree, *text, strlen(*text), "text", true, &again) == CLS_OK &&
      emit_once(again, &second) == CLS_OK) {
    free(*text);
    *text = second;
  }
  cls_yaml_tree_destroy(tree);
  return CLS_OK;
}
