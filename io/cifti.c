#include "io/cifti.h"
#include "io/text_table.h"
#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  XML_Parser parser;
  cls_cifti *cifti;
  cls_status status;
} reader;

static const char *attribute(const char **attributes, const char *name) {
  for (size_t i = 0; attributes[i]; i += 2)
    if (strcmp(attributes[i], name) == 0) return attributes[i + 1];
  return NULL;
}

/* 0: none, or no number. */
static double number(const char **attributes, const char *name) {
  const char *text = attribute(attributes, name);
  double value;
  return text && cls_text_number(text, &value) && isfinite(value) ? value : 0;
}

/* step x 10^exponent, rounded once: the same bits whatever computes it, which pow() does not promise. 0: none that makes sense. */
static double seconds(double step, double exponent) {
  double power = 1; /* up to 10^22 exact */
  if (!(step > 0) || !(fabs(exponent) <= 22)) return 0;
  for (int i = 0; i < (int)fabs(exponent); i++) power *= 10;
  return exponent < 0 ? step / power : step * power;
}

/* <MatrixIndicesMap AppliesToMatrixDimension="0" IndicesMapToDataType="CIFTI_INDEX_TYPE_SERIES" ...> */
static void see_map(cls_cifti *c, const char **attributes) {
  const char *where = attribute(attributes, "AppliesToMatrixDimension");
  const char *what = attribute(attributes, "IndicesMapToDataType"),
             *unit = attribute(attributes, "SeriesUnit");
  cls_cifti_map map = CLS_CIFTI_OTHER;
  if (what && strcmp(what, "CIFTI_INDEX_TYPE_SERIES") == 0) map = CLS_CIFTI_SERIES;
  if (what && strcmp(what, "CIFTI_INDEX_TYPE_PARCELS") == 0) map = CLS_CIFTI_PARCELS;
  for (const char *at = where ? where : ""; *at; at++) /* "0", "1", or "0,1" */
    if (*at == '0' || *at == '1') c->map[*at - '0'] = map;
  if (map == CLS_CIFTI_SERIES && unit && strcmp(unit, "SECOND") == 0)
    c->step_s = seconds(number(attributes, "SeriesStep"), number(attributes, "SeriesExponent"));
}

/* <Parcel Name="..."> */
static cls_status see_parcel(cls_cifti *c, const char **attributes) {
  const char *name = attribute(attributes, "Name");
  CLS_TRY(cls_grow(&c->names, &c->capacity, c->n_names + 1, sizeof *c->names, "names of parcels"));
  c->names[c->n_names] = cls_format("%s", name ? name : "");
  CLS_CHECK(c->names[c->n_names], CLS_ERR_MEMORY, "out of memory for names of parcels");
  c->n_names++;
  return CLS_OK;
}

static void XMLCALL see_element(void *context, const char *name, const char **attributes) {
  reader *r = context;
  if (strcmp(name, "MatrixIndicesMap") == 0) see_map(r->cifti, attributes);
  if (strcmp(name, "Parcel") == 0) r->status = see_parcel(r->cifti, attributes);
  if (r->status != CLS_OK) XML_StopParser(r->parser, XML_FALSE);
}

cls_status cls_cifti_parse(const char *xml, size_t size, const char *path, cls_cifti *cifti) {
  *cifti = (cls_cifti){0};
  while (size > 0 && xml[size - 1] == 0) size--;
  CLS_CHECK(size < INT32_MAX, CLS_ERR_INPUT, "%s: %zu bytes of XML: expected less than 2^31", path, size);
  reader r = {XML_ParserCreate(NULL), cifti, CLS_OK};
  CLS_CHECK(r.parser, CLS_ERR_MEMORY, "out of memory for reading XML");
  XML_SetUserData(r.parser, &r);
  XML_SetStartElementHandler(r.parser, see_element);
  if (XML_Parse(r.parser, xml, (int)size, 1) == XML_STATUS_ERROR && r.status == CLS_OK)
    r.status = cls_fail(CLS_ERR_INPUT, "%s: line %llu of its XML: %s: expected that of CIFTI-2", path,
                        (unsigned long long)XML_GetCurrentLineNumber(r.parser),
                        XML_ErrorString(XML_GetErrorCode(r.parser)));
  XML_ParserFree(r.parser);
  if (r.status != CLS_OK) cls_cifti_free(cifti);
  return r.status;
}

void cls_cifti_free(cls_cifti *cifti) {
  for (uint64_t i = 0; i < cifti->n_names; i++) free(cifti->names[i]);
  free(cifti->names);
  *cifti = (cls_cifti){0};
}
