#!/bin/sh
# with_tsan.sh STARTS PROGRAM [ARGUMENT...]: runs a program that is linked with ThreadSanitizer, whose older versions do
# not start where the kernel puts memory at very random addresses: without them, if that is allowed. STARTS is a program
# that only starts. Exit status 77 where ThreadSanitizer cannot start.
starts=$1
shift
fixed="setarch $(uname -m) -R"
if $fixed "$starts" 2>/dev/null; then
  exec $fixed "$@"
elif "$starts" 2>/dev/null; then
  exec "$@"
fi
echo "skipped: ThreadSanitizer cannot start here: $("$starts" 2>&1 | head -n 1)"
exit 77
