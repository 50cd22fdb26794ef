import Foundation

/// Has a program send lines, each only when the one before has come back.
///
/// - Parameters:
///   - program: that copies its standard input somewhere and what comes back to its standard output.
///   - rest: sent at the end, without a line's end.
/// - Returns: what came back, and what the program ended with.
public func sendLineByLine(
    through program: [String], environment: [String: String] = [:], lines: [String], rest: String = ""
) async throws -> Subprocess.Result {
    let directory = try TemporaryDirectory()
    let script = """
        directory=$1 lines=$2 rest=$3
        shift 3
        cd "$directory"
        mkfifo in out
        "$@" <in >out &
        exec 3>in 4<out
        for line in $lines; do
            echo "$line" >&3
            read -r back <&4
            echo "$back"
        done
        printf %s "$rest" >&3
        exec 3>&-
        cat <&4
        wait $!
        """
    return try await Subprocess.run(
        "sh", ["-euc", script, "sh", directory.path, lines.joined(separator: " "), rest] + program,
        environment: environment)
}
