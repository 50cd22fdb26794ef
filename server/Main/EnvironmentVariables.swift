#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Options that are given in the environment: `HTTP_STREAMING_MAX_SIZE=1G` for `--max-size 1G`. The command line
/// wins.
enum EnvironmentVariables {
    static let prefix = "HTTP_STREAMING_"

    /// The variable of an option.
    ///
    /// - Parameter option: `--max-size`
    static func name(of option: String) -> String {
        prefix + option.drop { $0 == "-" }.map { $0 == "-" ? "_" : $0.uppercased() }.joined()
    }

    /// What the command line would say, to stand before what it does say.
    ///
    /// - Parameters:
    ///   - options: that take a value.
    ///   - flags: that take none: `1`, `true` and `yes` set them.
    ///   - lists: of `options`, those that may be given several times: separated by commas here.
    ///   - commandLine: whose options are not looked for in the environment.
    /// - Returns: the arguments, and the names of the variables that they are from.
    static func arguments(
        options: [String], flags: [String], lists: [String], commandLine: [String]
    ) -> (arguments: [String], names: [String]) {
        var (arguments, names): ([String], [String]) = ([], [])
        // Whoever asks for help gets it, whatever is wrong with the environment.
        guard !commandLine.contains("--help"), !commandLine.contains("-h") else { return (arguments, names) }
        for option in options + flags where !commandLine.contains(where: { $0 == option || $0.hasPrefix(option + "=") })
        {
            let name = name(of: option)
            guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { continue }
            if flags.contains(option) {
                guard ["1", "true", "yes"].contains(value.lowercased()) else { continue }
                arguments.append(option)
            } else {
                let values = lists.contains(option) ? value.split(separator: ",").map { String($0) } : [value]
                // In one word: a value may begin with a hyphen.
                arguments += values.map { "\(option)=\($0)" }
            }
            names.append(name)
        }
        return (arguments, names)
    }
}
