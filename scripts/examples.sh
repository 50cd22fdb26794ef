#!/bin/bash
# Builds the programs in Examples and runs them against each other: senders to receivers, and compares what was stored.
# Then does what the guide tells a newcomer: pastes its package into an empty folder, builds it and runs it.
# They are built in .build/examples. MEMORY_SIZE: the size of the form with which the memory of the Hummingbird receiver
# is measured, 1G by default.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

receiver_pid=
silent_pid=
clean_up() {
    local pid
    for pid in $receiver_pid $silent_pid; do kill "$pid" 2>/dev/null || true; done
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

need_swift
"$root/scripts/install-deps.sh"
cd "$root"
say "building the examples; the first time takes minutes"
options=(--package-path Examples --scratch-path .build/examples "${swift_flags[@]}")
swift build "${options[@]}"
examples=$(swift build "${options[@]}" --show-bin-path)
swift build "${swift_flags[@]}" --product server
server=$(swift build "${swift_flags[@]}" --show-bin-path)/server
clean_up_at_end
make_temp

# wait_for FILE REGEX: waits until a line of the file matches, for a minute, and prints its last word.
wait_for() {
    local _
    for _ in $(seq 600); do
        if grep -q "$2" "$1" 2>/dev/null; then
            grep -m 1 "$2" "$1" | sed 's/.* //'
            return
        fi
        sleep 0.1
    done
    cat "$1" >&2
    fail "no line '$2' within a minute"
}

# start_receiver PROGRAM ARGUMENT...: starts a receiver and sets `receiver_url` and `receiver_pid`.
start_receiver() {
    if [ -n "$receiver_pid" ]; then
        kill "$receiver_pid"
        wait "$receiver_pid" || true
    fi
    # With a line buffer, so that the line with the port arrives.
    stdbuf -oL "$examples/$1" "${@:2}" >"$temp/$1.out" 2>"$temp/$1.log" &
    receiver_pid=$!
    receiver_url=$(wait_for "$temp/$1.out" '^listening on ')
}

# fails COMMAND...: whether the command fails, as it should.
fails() {
    if "$@" >"$temp/failure" 2>&1; then fail "succeeded, but must not: $*"; fi
}

book=payload/book.txt
random=$temp/random.bin
head -c 3000000 /dev/urandom >"$random"
mkdir "$temp/stored"

start_receiver hummingbird-receiver 0 "$temp/stored"
say "async-http-client-upload → hummingbird-receiver"
"$examples/async-http-client-upload" "$receiver_url" "$book" "$random"
cmp "$book" "$temp/stored/1"
cmp "$random" "$temp/stored/2"

say "urlsession-upload → hummingbird-receiver"
"$examples/urlsession-upload" "$receiver_url" "$random" "$book"
cmp "$random" "$temp/stored/1"
cmp "$book" "$temp/stored/2"

say "send-file, folder → hummingbird-receiver"
"$examples/send-file" "$receiver_url" "$book"
cmp "$book" "$temp/stored/1"
fails "$examples/send-file" "$receiver_url/elsewhere" "$book"
grep -q '^refused with status 404' "$temp/failure" || fail "404 was not told"
fails "$examples/send-file" "$receiver_url" "$temp/nothing"
grep -q '^the file cannot be read' "$temp/failure" || fail "a missing file was not told"
mkdir -p "$temp/folder/below"
ln "$random" "$temp/folder/below/b.bin"
cp "$book" "$temp/folder/a.txt"
"$examples/folder" "$receiver_url" "$temp/folder" >"$temp/answer"
grep -q '^file: "below/b.bin", 3000000 bytes$' "$temp/answer" || fail "the part was not described: $(cat "$temp/answer")"
cmp "$book" "$temp/stored/1"
cmp "$random" "$temp/stored/2"

say "json-lines → hummingbird-receiver"
"$examples/json-lines" "$receiver_url" 20000
[ "$(wc -l <"$temp/stored/1")" -eq 20000 ] || fail "not all rows were stored"
tail -n 1 "$temp/stored/1" | grep -q '19999' || fail "the last row is not the last line"

say "database-dump → hummingbird-receiver"
"$examples/database-dump" "$receiver_url" seq 200000
gzip -dc "$temp/stored/1" | cmp - <(seq 200000)
fails "$examples/database-dump" "$receiver_url" sh -c 'seq 200000; exit 3'
grep -q 'status: 3' "$temp/failure" || fail "the failure is not the program's: $(cat "$temp/failure")"

say "a request that is not a form → hummingbird-receiver"
status=$(curl -sS -o "$temp/answer" -w '%{http_code}' -d x "$receiver_url")
[ "$status" = 400 ] || fail "a request that is not a form was answered with $status"
# The dump that failed has not replaced the earlier one.
gzip -dc "$temp/stored/1" | cmp - <(seq 200000)

if [ "$(uname)" = Linux ]; then
    size=${MEMORY_SIZE:-1G}
    truncate -s "$size" "$temp/large"
    curl -sS --fail -F "file=@$temp/large" "$receiver_url"
    cmp "$temp/large" "$temp/stored/1"
    rm "$temp/large" "$temp/stored/1"
    peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$receiver_pid/status")
    say "a form of $size: the receiver's memory was at most $((peak / 1024)) MiB"
    [ "$peak" -lt $((40 * 1024)) ] || fail "that is more than 40 MiB"
fi

start_receiver nio-receiver 0
say "async-http-client-upload, json-lines → nio-receiver"
"$examples/async-http-client-upload" "$receiver_url" "$book" "$random" >"$temp/answer"
diff "$temp/answer" - <<<"file $(file_size "$book")
file 3000000"
"$examples/json-lines" "$receiver_url" 10
fails curl -sS --fail -d x "$receiver_url"

mkdir "$temp/uploads"
start_server "$temp/uploads" "$server"
say "presigned-put → server"
"$examples/presigned-put" "$server_url/put.bin" "$random"
cmp "$random" "$temp/uploads/put.bin"

say "parallel → server"
for number in 1 2 3 4 5 6; do ln "$random" "$temp/file-$number"; done
"$examples/parallel" "$server_url" "$temp"/file-*
for number in 1 2 3 4 5 6; do cmp "$random" "$temp/uploads/file-$number"; done

say "lines → server"
seq 1000 | "$examples/lines" "$server_url/echo" | cmp - <(seq 1000)

say "resume, download → server"
"$examples/resume" "$server_url" "$temp/folder/a.txt"
cmp "$book" "$temp/uploads/a.txt"
[ ! -e "$temp/folder/a.txt.journal" ] || fail "the journal was not removed"
"$examples/download" "$server_url/files/put.bin" "$temp/downloaded" >"$temp/answer"
cmp "$random" "$temp/downloaded"
tail -n 1 "$temp/answer" | grep -q '^3000000 of 3000000 bytes$' || fail "no progress: $(cat "$temp/answer")"

say "progress → server, and Ctrl-C"
"$examples/progress" "$server_url" "$random" | grep -q '^100 %$' || fail "no progress"
# A receiver that never reads: the kernel accepts the connection.
python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
time.sleep(600)' >"$temp/silent" &
silent_pid=$!
truncate -s 1G "$temp/large"
stdbuf -oL "$examples/progress" "http://127.0.0.1:$(wait_for "$temp/silent" '^port ')" "$temp/large" >"$temp/progress" &
progress_pid=$!
wait_for "$temp/progress" '%$' >/dev/null
kill -INT $progress_pid
status=0
wait $progress_pid || status=$?
[ $status -eq 130 ] || fail "Ctrl-C ended the program with $status"
grep -q '^cancelled$' "$temp/progress" || fail "Ctrl-C was not reported"

say "a newcomer's package, pasted from the guide"
# block ARTICLE NUMBER: prints a block of code of an article.
block() {
    awk -v number="$2" '/^```/ { inside = !inside; count += inside; next } inside && count == number' "$1"
}
newcomer=$temp/newcomer
article=Sources/Multipart/Multipart.docc/ReceiveAFormInHummingbird.md
mkdir -p "$newcomer/Sources/receiver" "$newcomer/Sources/client"
block $article 1 | sed "s|url: \"<this repository>\", branch: \"main\"|name: \"http-streaming\", path: \"$root\"|" >"$newcomer/Package.swift"
block $article 2 >"$newcomer/Sources/receiver/main.swift"
block Sources/HTTPStreaming/HTTPStreaming.docc/UploadAFile.md 1 >"$newcomer/Sources/client/main.swift"
# The same versions in the same folder: Hummingbird and SwiftNIO have been built there.
cp Examples/Package.resolved "$newcomer"
swift build --package-path "$newcomer" --scratch-path .build/examples "${swift_flags[@]}"
mkdir "$temp/newcomers"
start_receiver receiver 0 "$temp/newcomers"
"$examples/client" "$receiver_url" "$book" | diff - <(echo "file $(file_size "$book")")
cmp "$book" "$temp/newcomers/1"

say "the examples and the guide work"
