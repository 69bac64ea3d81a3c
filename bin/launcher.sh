# shellcheck shell=sh
# Shared by bin/prometheus and bin/test, which set `root` and source this file; it is never run by itself.
#
# prepare          brings a checkout up to date (packages, then the build) and sets NODE and build
# source_stamp     sets build, the name of the build that the sources on disk call for
#
# In a checkout npm ci and the build run when their stamps differ. A stamp is written last, so whatever was
# interrupted is done again. A folder made by `npm pack` has neither a lock file nor sources: it runs the build that
# dist/current names.

: "${root:?is set by the file that sources this one}"
dist=$root/dist
locks=$dist/.lock
packages_stamp_file=$root/node_modules/.prometheus-stamp
newline='
'

say() { printf 'prometheus: %s\n' "$*" >&2; }

# One line: what happened, then what to do.
die() {
  say "$@"
  exit 1
}

is_checkout() { [ -f "$root/package-lock.json" ] && [ -d "$root/src" ]; }

prepare() {
  read_machine
  if ! is_checkout || [ -n "${PROMETHEUS_LAST_BUILD-}" ]; then
    read_current
    [ -s "$dist/$current/main.js" ] || die "there is no build in $dist. Take a complete package, or a checkout."
    build=$current
    pick_node
    return 0
  fi
  choose_digest
  packages_stamp
  source_stamp
  if ! packages_ready || ! build_ready; then
    lock
    # Another caller may have done the work meanwhile, or the sources may have moved on.
    packages_stamp
    packages_ready || install_packages
    pick_node
    source_stamp
    build_ready || build_console
    unlock
  else
    pick_node
  fi
  read_current
  [ "$current" = "$build" ] || write_current
}

# --- stamps ----------------------------------------------------------------------------------------------------------

read_machine() {
  # shellcheck disable=SC2046  # three words: system, host, processor
  set -- $(uname -snm)
  host=$2
  case $1 in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) os=$1 ;;
  esac
  case $3 in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) cpu=$3 ;;
  esac
}

choose_digest() {
  if command -v sha256sum >/dev/null 2>&1; then
    digest=sha256sum
  elif command -v shasum >/dev/null 2>&1; then
    digest='shasum -a 256'
  else
    die 'neither sha256sum nor shasum was found. Install coreutils.'
  fi
}

# The platform is part of the stamp: packages copied from a Mac do not run on Linux.
packages_stamp() {
  # shellcheck disable=SC2046,SC2086  # words on purpose: "hash name" a file; $digest may carry an option
  set -- $(cd "$root" && $digest package-lock.json package.json .npmrc)
  [ $# -eq 6 ] || die "package-lock.json, package.json or .npmrc cannot be read in $root. Restore them with git."
  wanted_packages="$1 $3 $5 $os-$cpu"
}

packages_ready() {
  installed_packages=
  { read -r installed_packages <"$packages_stamp_file" || :; } 2>/dev/null
  [ "$installed_packages" = "$wanted_packages" ]
}

# By content and not by mtime: cp -p, rsync -t and tar give a changed file an old mtime, and git gives an unchanged one
# a new one. Reading some 250 files costs about 12 ms, and going back to an earlier state finds its build again.
# Names that start with a dot or end in a tilde are editors' own.
source_stamp() {
  # shellcheck disable=SC2086  # $digest may carry an option
  sum=$(
    cd "$root" &&
      find src screens engines migrations package.json package-lock.json tsconfig.json esbuild.config.mjs \
        -type f ! -name '.*' ! -name '*~' -exec $digest {} + | LC_ALL=C sort | $digest
  )
  build=${sum%"${sum#????????????????}"}
}

# A build appears under its name by one rename, hence complete; -s, for a power cut can leave an empty file behind.
build_ready() { [ -s "$dist/$build/main.js" ]; }

read_current() {
  current=
  { read -r current <"$dist/current" || :; } 2>/dev/null
}

# A read-only checkout with a build in place works: then this is left as it is.
write_current() {
  { printf '%s\n' "$build" >"$dist/.current.$$" && mv -f "$dist/.current.$$" "$dist/current"; } 2>/dev/null || return 0
  # Only the current build belongs in a package, without its compile cache.
  { printf '%s\n' '/*' '!/current' '!/tests.json' "!/$build/" "/$build/.cache/" >"$dist/.npmignore"; } 2>/dev/null || :
}

# --- the lock --------------------------------------------------------------------------------------------------------
#
# dist/.lock is a folder with one file an owner, named host,pid,start time. A caller writes its file, then looks: it
# holds the lock when no other owner lives, else it takes its file back and tries again. Of two callers at once at
# least one sees the other, since both write before they look. Sweeping the file of a dead owner can never hit a
# living one, as pid and start time together are not used twice; so kill -9 needs no repair and two callers may sweep
# at once.

# Sets started: empty when the process is gone (or a zombie).
start_time() {
  started=
  if [ -r /proc/self/stat ]; then
    { read -r stat_line <"/proc/$1/stat"; } 2>/dev/null || return 0
    # The name in parentheses may hold blanks; what follows the last one is the state, and 19 words later the start.
    # shellcheck disable=SC2086
    set -- ${stat_line##*) }
    case $1 in
      Z | X) ;;
      *) started=${20} ;;
    esac
  else
    # shellcheck disable=SC2046
    set -- $(LC_ALL=C ps -o stat= -o lstart= -p "$1" 2>/dev/null | tr ':' ' ')
    case ${1-} in
      '' | Z*) ;;
      *) shift && started=$(printf '%s-' "$@") ;;
    esac
  fi
}

name_myself() {
  start_time $$
  me=$host,$$,$started
}

owner_lives() {
  owner_host=${1%%,*}
  owner_rest=${1#*,}
  if [ "$owner_host" = "$host" ]; then
    start_time "${owner_rest%%,*}"
    [ -n "$started" ] && [ "$started" = "${owner_rest#*,}" ]
  else
    # Another machine (or container) on a shared disk cannot be asked; an owner touches its file every second.
    [ -z "$(find "$locks/$1" -mmin +2 2>/dev/null)" ]
  fi
}

# Sets holder to a living owner other than this process and the one that started it as its helper.
find_holder() {
  holder=
  for owner_file in "$locks"/*; do
    owner=${owner_file##*/}
    if [ ! -e "$owner_file" ] || [ "$owner" = "$me" ] || [ "$owner" = "${partner-}" ]; then
      continue
    elif owner_lives "$owner"; then
      holder=$owner
    else
      rm -f "$owner_file"
    fi
  done
}

lock() {
  mkdir -p "$locks" 2>/dev/null && [ -w "$locks" ] ||
    die "$dist cannot be written, and the packages or the build are not up to date. Run it once as the folder's owner."
  name_myself
  worker=
  trap 'unlock' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  waited=
  while :; do
    find_holder
    if [ -z "$holder" ]; then
      echo >"$locks/$me"
      find_holder
      [ -n "$holder" ] || return 0
      rm -f "$locks/$me"
    fi
    if [ -z "$waited" ]; then
      waited=yes
      owner_rest=${holder#*,}
      say "waiting for process ${owner_rest%%,*} on ${holder%%,*}, which installs or builds in this checkout."
    fi
    # Not the same pause for everybody, lest two callers keep meeting.
    sleep "0.$(($$ % 4 + 1))" 2>/dev/null || sleep 1
  done
}

unlock() {
  if [ -n "$worker" ]; then
    # Not SIGTERM: npm would roll back for half a minute, and what it leaves is removed by the next install anyway.
    kill -9 "$worker" 2>/dev/null || :
    wait "$worker" 2>/dev/null || :
    rm -f "$locks/$host,$worker,$worker_started"
    worker=
  fi
  rm -rf "$dist/.staging-$$"
  rm -f "$locks/$me"
  trap - EXIT HUP INT TERM
}

# --- packages --------------------------------------------------------------------------------------------------------

install_packages() {
  refuse_while_in_use
  command -v npm >/dev/null 2>&1 ||
    die 'npm was not found, and the packages must be installed. Install Node.js 20.19 or newer with npm (24 is best).'
  rm -f "$packages_stamp_file"
  log=$dist/install.log
  say 'installing packages: about 300 MB to download, 760 MB on disk.'
  began=$(date +%s)
  # In a process of its own that owns the lock too: if this one is killed, npm may go on writing, and the lock is
  # held until it ends.
  root=$root partner=$me sh -c '. "$root/bin/launcher.sh" && run_npm' >"$log" 2>&1 </dev/null &
  worker=$!
  start_time "$worker"
  worker_started=$started
  while [ -n "$started" ] && [ "$started" = "$worker_started" ]; do
    echo >"$locks/$me"
    show_progress
    sleep 1
    start_time "$worker"
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
  code=0
  wait "$worker" || code=$?
  rm -f "$locks/$host,$worker,$worker_started"
  worker=
  [ "$code" -eq 0 ] || explain_failed_install
  set_aside_foreign_node
  printf '%s\n' "$wanted_packages" >"$packages_stamp_file"
  say "packages installed in $(($(date +%s) - began)) s."
}

run_npm() {
  read_machine
  name_myself
  echo >"$locks/$me"
  # The launcher can have been killed before this line, and another may hold the lock by now.
  find_holder
  [ -z "$holder" ] || exit 1
  # `npm test` puts node_modules/.bin in front, where a half-installed node may lie that npm would be run with.
  clean_path=
  rest=$PATH:
  while [ -n "$rest" ]; do
    folder=${rest%%:*}
    rest=${rest#*:}
    case $folder in
      */node_modules/.bin) ;;
      *) clean_path=$clean_path:$folder ;;
    esac
  done
  PATH=${clean_path#:}
  export PATH ONNXRUNTIME_NODE_INSTALL=skip
  cd "$root" || exit 1
  # --include: NODE_ENV=production and npm's own settings would leave packages out. --ignore-scripts: nothing here needs
  # one, and npm 12 blocks them anyway.
  exec npm ci --include=dev --include=optional --engine-strict=false --ignore-scripts
}

show_progress() {
  [ -t 2 ] || return 0
  # shellcheck disable=SC2046
  set -- $(du -sk "$root/node_modules" 2>/dev/null || :)
  printf '\r\033[Kprometheus: installing packages, %s s, %s of about 760 MB on disk' \
    "$(($(date +%s) - began))" "$((${1:-0} / 1024))" >&2
}

explain_failed_install() {
  reason=$(sed -n -e 's/^npm error code //p' -e 's/^npm ERR! code //p' "$log" | head -n 1)
  case $reason in
    ENOTFOUND | EAI_AGAIN | ECONN* | ETIMEDOUT | ENETUNREACH | EHOSTUNREACH | ERR_SOCKET* | FETCH_ERROR)
      advice='The package registry was not reached: check network and proxy, then start it again.' ;;
    *CERT* | *ISSUER*) advice='The registry was not trusted: set NODE_EXTRA_CA_CERTS to your CA file, then start it again.' ;;
    ENOSPC | EDQUOT) advice="The disk is full: free 1 GB for $root and npm's cache, then start it again." ;;
    EACCES | EPERM | EROFS) advice="A folder is not yours to write: see the owner of $root and of npm's cache." ;;
    EUSAGE) advice='package.json and package-lock.json disagree: restore both with git, then start it again.' ;;
    *) advice='Read the log, then start it again: what is there is installed anew.' ;;
  esac
  die "npm ci failed (${reason:-exit code $code}), its output is in $log. $advice"
}

# The carried Node needs glibc 2.28; elsewhere (musl, an old system) the machine's own is used.
set_aside_foreign_node() {
  carried=$root/node_modules/node-$os-$cpu/bin/node
  [ -f "$carried" ] || return 0
  chmod +x "$carried" 2>/dev/null || :
  NODE_OPTIONS='' "$carried" -v >/dev/null 2>&1 || mv -f "$carried" "$carried.unusable"
}

# npm ci removes node_modules first, which would take the packages away from whatever runs: the console, its
# supervisor and jobs, a test run. An editor's language servers out of node_modules are no reason to refuse.
refuse_while_in_use() {
  jobs=$(running_from "$dist/" "$root/node_modules/node-" "$root/node_modules/vitest/")
  [ -n "$jobs" ] || return 0
  read_current
  hint=
  [ ! -s "$dist/$current/main.js" ] ||
    hint=" To use the build they run from: PROMETHEUS_LAST_BUILD=1 $root/bin/prometheus …"
  die "the packages changed and must be installed again, but these run from this checkout. Stop them first.$hint
$jobs"
}

# Prints pid and command of every process with an argument or a program whose path starts with one of those given.
running_from() {
  if [ -r /proc/self/cmdline ]; then
    {
      # The patterns go in by stdin: as arguments they would match this very grep.
      # shellcheck disable=SC2062  # the pattern is stdin, the rest are files
      printf '%s\n' "$@" | grep -lF -f - /proc/[0-9]*/cmdline 2>/dev/null || :
      # A process may rename itself, its program's link stays. Its last 'cmdline' makes both lists alike.
      for folder; do
        # shellcheck disable=SC2012  # find has no portable way to print a link's target
        ls -l /proc/[0-9]*/exe 2>/dev/null | awk -v folder="$folder" '
          (at = index($0, " -> ")) && index(substr($0, at + 4), folder) == 1 {
            if (match($0, "/proc/[0-9]+/exe ")) print substr($0, RSTART, RLENGTH - 4) "cmdline"
          }'
      done
    } | sort -u | while read -r file; do
      pid=${file#/proc/}
      pid=${pid%/cmdline}
      [ "$pid" != $$ ] || continue
      program=$(readlink "/proc/$pid/exe" 2>/dev/null) || program=
      arguments=$(tr '\0' '\n' <"$file" 2>/dev/null) || continue
      lines=$newline$program$newline$arguments
      for folder; do
        case $lines in
          *"$newline$folder"* | *"=$folder"* | *"file://$folder"*)
            printf '  %s  %.160s\n' "$pid" "$(printf '%s' "$arguments" | tr '\n' ' ')"
            break
            ;;
        esac
      done
    done
  else
    ps -axww -o pid= -o command= | while read -r pid command; do
      [ "$pid" != $$ ] || continue
      for folder; do
        case " $command" in
          *[\ =]"$folder"* | *"file://$folder"*)
            printf '  %s  %.160s\n' "$pid" "$command"
            break
            ;;
        esac
      done
    done
  fi
}

# --- Node ------------------------------------------------------------------------------------------------------------

# By path and never by node_modules/.bin/node, which npm 10 unlinks again when several platforms are listed.
pick_node() {
  for folder in "$root/node_modules" "${root%/*}"; do
    case $folder in
      */node_modules) ;;
      *) continue ;;
    esac
    NODE=$folder/node-$os-$cpu/bin/node
    [ -f "$NODE" ] || continue
    [ -x "$NODE" ] || chmod +x "$NODE" 2>/dev/null || continue
    return 0
  done
  NODE=$(command -v node || :)
  version=none
  [ -z "$NODE" ] || version=$(NODE_OPTIONS='' "$NODE" -v 2>/dev/null || :)
  major=${version#v}
  minor=${major#*.}
  major=${major%%.*}
  minor=${minor%%.*}
  case $major$minor in
    '' | *[!0-9]*) ;;
    *) [ "$major" -lt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -lt 18 ]; } || return 0 ;;
  esac
  die "no Node.js for $os-$cpu is carried, and the machine's own (${version:-broken}) will not do." \
    'Install Node.js 24 (22.18 or newer will do) and start it again.'
}

# --- the build -------------------------------------------------------------------------------------------------------

build_console() {
  # What interrupted callers left behind.
  rm -rf "$dist"/.staging-* "$dist"/.current.*
  say 'building.'
  rounds=0
  while :; do
    staging=$dist/.staging-$$
    rm -rf "$staging"
    NODE_OPTIONS='' "$NODE" "$root/esbuild.config.mjs" "$staging" >&2 ||
      die 'the build failed. Correct what is printed above and start it again.'
    # A file saved meanwhile may be in the build under a name that stands for its old text.
    built=$build
    source_stamp
    [ "$build" != "$built" ] || break
    rounds=$((rounds + 1))
    [ "$rounds" -lt 5 ] || die 'the sources kept changing during five builds. Start it again when they rest.'
  done
  if ! build_ready; then
    rm -rf "${dist:?}/$build"
    mv "$staging" "$dist/$build"
  fi
  rm -rf "$staging"
  write_current
  prune_builds
}

# A build stays while a process of this machine runs from it, and the newest three stay anyway: a caller may have
# chosen one and not started yet.
prune_builds() {
  # shellcheck disable=SC2012  # names of builds are plain hexadecimal
  ls -t "$dist" | while read -r name; do
    case $name in
      *[!0-9a-f]*) continue ;;
      ????????????????) ;;
      *) continue ;;
    esac
    [ "$name" != "$build" ] || continue
    spared=$((${spared:-0} + 1))
    [ "$spared" -gt 2 ] || continue
    [ -n "$(running_from "$dist/$name/")" ] || rm -rf "${dist:?}/$name"
  done
}

# --- handing over ----------------------------------------------------------------------------------------------------

# What the user set in NODE_OPTIONS is meant for another Node, which may know options that this one refuses to start
# with; npm, which runs on that other Node, keeps it.
hand_over_environment() {
  export PROMETHEUS_CHECKOUT="$root" PROMETHEUS_BUILD="$build"
  unset PROMETHEUS_LAST_BUILD
  if [ -n "${PROMETHEUS_NODE_OPTIONS-}" ]; then
    export NODE_OPTIONS="$PROMETHEUS_NODE_OPTIONS"
  else
    unset NODE_OPTIONS
  fi
}
