#!/bin/bash
# Runs `upload` in a terminal made by tmux, and writes what the terminal shows to docs/upload-terminal.md.
#
#   scripts/captures.sh [FOLDER]    the folder of the programs upload and server; default: a release build
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

command -v tmux >/dev/null || fail "tmux is not installed"
if [ $# -gt 0 ]; then bin=$(cd -- "$1" && pwd); else build_release server upload; fi
page=$root/docs/upload-terminal.md
peers_pid=

clean_up() {
    terminal kill-server 2>/dev/null || true
    [ -z "$peers_pid" ] || kill "$peers_pid" 2>/dev/null || true
    stop_server
    [ -z "$temp" ] || rm -rf -- "$temp"
}

terminals=0
terminal() { tmux -S "$temp/terminal$terminals" -f /dev/null "$@"; }

# begin COLUMNS ROWS: a new terminal, with a shell in the folder of the files.
begin() {
    terminals=$((terminals + 1))
    terminal new-session -d -x "$1" -y "$2" -c "$temp/work" env -i HOME="$temp/work" PATH="$temp/path:/usr/bin:/bin" \
        TERM=screen LANG=C.UTF-8 PS1='$ ' bash --norc --noprofile
    prompt
}

end() { terminal kill-server; }

screen() { terminal capture-pane -p; }

# The last line that the terminal shows.
last_line() { screen | sed '/^$/d' | tail -n 1; }

# type_line TEXT: types it, and enters it when the terminal shows it.
type_line() {
    terminal send-keys -l -- "$1"
    while [ "$(last_line)" = '$' ]; do sleep 0.05; done
    terminal send-keys Enter
}

# prompt: waits until the shell waits for a command.
prompt() {
    local round
    for ((round = 0; round < 1200; round++)); do
        if [ "$(last_line)" = '$' ]; then return 0; fi
        sleep 0.05
    done
    fail "the command does not end: $(screen)"
}

# until_shown REGEX: waits until the terminal shows it.
until_shown() {
    local round
    for ((round = 0; round < 600; round++)); do
        if screen | grep -qE -- "$1"; then return 0; fi
        sleep 0.05
    done
    fail "the terminal does not show '$1': $(screen)"
}

# show TITLE: appends what the terminal shows, with the same ports in every run.
show() {
    {
        printf '\n%s\n\n```\n' "$1"
        screen | sed -e "s/\<$port\>/3000/g; s/\<$failing\>/3001/g; s/\<$silent\>/3002/g; s/\<$closed\>/3003/g" |
            sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
        printf '```\n'
    } >>"$page"
}

# run TITLE COMMAND...: a new terminal with these commands, to their end.
run() {
    local title=$1 line
    shift
    begin 100 "${rows:-24}"
    for line in "$@"; do
        type_line "$line"
        prompt
    done
    show "$title"
    end
}

clean_up_at_end
make_temp
mkdir -p "$temp/work" "$temp/path"
ln -s "$bin/upload" "$temp/path/upload"
start_server "$temp/stored" "$bin/server" --keep-paths
port=${server_url##*:}

# Servers that fail: one answers 503, one never answers, and one does not listen.
python3 -u - >"$temp/ports" <<'END' &
import socket, threading

def serve(listener, answer):
    kept = []
    while True:
        connection, _ = listener.accept()
        kept.append(connection)
        connection.recv(1 << 16)
        if answer:
            connection.sendall(answer)
            connection.close()

unavailable = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\nConnection: close\r\n\r\nmaintenance\n"
for answer in [unavailable, b""]:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1])
    threading.Thread(target=serve, args=(listener, answer)).start()
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1])
END
peers_pid=$!
for ((round = 0; round < 200 && $(wc -l <"$temp/ports") < 3; round++)); do sleep 0.05; done
{ read -r failing && read -r silent && read -r closed; } <"$temp/ports"

cd "$temp/work"
mkdir -p album/2024 photos
printf 'notes\n' >notes.txt
head -c 400000000 /dev/zero >big.iso
for name in album/{cover.jpg,2024/{beach,garden,station}.jpg}; do head -c 300000 /dev/zero >"$name"; done
for number in {001..120}; do head -c 500000 /dev/zero >"photos/$number.jpg"; done
server=localhost:$port

cat >"$page" <<'END'
# What `upload` shows on a terminal

Made by `make captures`, with tmux, in a terminal of 100 columns. The rates are limited by `--limit-rate`. `server` runs at port
3000; at port 3001 is a server that answers 503, at 3002 one that never answers, and at 3003 none.

## Progress
END

begin 100 24
type_line "upload --limit-rate 80M big.iso $server"
until_shown ' 5[0-9] %'
show 'A large file, midway:'
prompt
show 'The same at its end. The bars are gone, and the result remains:'
end

begin 100 16
type_line "upload --jobs 4 --limit-rate 12M photos/*.jpg $server"
until_shown '^6[0-9] of 120'
show '120 files, four at the same time:'
prompt
show 'At its end:'
end

run 'A folder, whose name is part of the names of its files:' "upload album $server"
run 'A pipe, whose length is not known:' "tar -c album | upload - $server"
run 'The output of a command, by the name that the shell gives it:' "upload --put <(date) $server/now.txt"

begin 100 8
type_line "cat big.iso | upload --limit-rate 80M - $server"
until_shown 'standard input +[12][0-9][0-9] MB'
show 'A long pipe, midway: there is no bar, because its end is not known.'
prompt
end

run 'Without a terminal there is a line every ten seconds:' "upload --limit-rate 25M big.iso $server 2>&1 | cat"
run 'With --json:' "upload --json notes.txt missing.txt $server | cut -c 1-400"
run 'With --dry-run:' "upload --dry-run --put album notes.txt $server"

printf '\n## Interruption and resumption\n' >>"$page"
begin 100 24
type_line "upload --resume --limit-rate 80M big.iso $server"
until_shown ' 5[0-9] %'
terminal send-keys C-c
prompt
type_line "upload --resume --limit-rate 80M big.iso $server"
until_shown ' [6-9][0-9] %'
show 'Ctrl-C midway, and the same command again, which begins where the first one ended:'
prompt
show 'At its end:'
end

printf '\n## Failures\n' >>"$page"
run 'Exit status 1, failures for different reasons:' "upload missing.txt notes.txt $server/nowhere; echo status \$?"
run 'Exit status 2, invalid arguments:' 'upload notes.txt; echo status $?' "upload --limit-rate fast notes.txt $server; echo status \$?"
run 'Exit status 3, an unreadable file:' "upload missing.txt notes.txt $server; echo status \$?"
begin 100 24
type_line "upload --limit-rate 80M big.iso $server; echo status \$?"
until_shown ' 5[0-9] %'
touch big.iso
prompt
show 'Exit status 3, a file that was written to while it was sent:'
end
run 'Exit status 4, a refusal:' "upload notes.txt $server/nowhere; echo status \$?"
run 'Exit status 5, a server that fails:' "upload notes.txt localhost:$failing; echo status \$?" \
    "upload --put --retry 2 notes.txt localhost:$failing; echo status \$?"
run 'Exit status 6, no connection, or none of TLS:' "upload notes.txt localhost:$closed; echo status \$?" \
    'upload notes.txt files.invalid; echo status $?' "upload notes.txt https://$server; echo status \$?"
run 'Exit status 7, a time limit:' "upload --timeout 1 notes.txt localhost:$silent; echo status \$?"
begin 100 24
type_line "upload --limit-rate 10M notes.txt big.iso $server; echo status \$?"
until_shown ' 5 %'
terminal send-keys C-c
prompt
show 'Exit status 130, Ctrl-C:'
end
say "written: $page"
