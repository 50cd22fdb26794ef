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
    ///   - flags: that take none: `1`, `true`, `yes` and `on` set them, `0`, `false`, `no` and `off` do not.
    ///   - lists: of `options`, those that may be given several times: separated by commas here.
    ///   - required: of `options`, those that must not be empty; of others that is as good as not set.
    ///   - commandLine: whose options are not looked for in the environment.
    /// - Returns: the arguments, and the names of the variables that they are from.
    static func arguments(
        options: [String], flags: [String], lists: [String], required: [String], commandLine: [String]
    ) -> (arguments: [String], names: [String]) {
        var (arguments, names): ([String], [String]) = ([], [])
        // Whoever asks for help gets it, whatever is wrong with the environment.
        guard !commandLine.contains("--help"), !commandLine.contains("-h") else { return (arguments, names) }
        for option in options + flags where !commandLine.contains(where: { $0 == option || $0.hasPrefix(option + "=") })
        {
            let name = name(of: option)
            guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty || required.contains(option)
            else { continue }
            if flags.contains(option) {
                guard !["0", "false", "no", "off"].contains(value.lowercased()) else { continue }
                // What is neither is refused as the command line's would be.
                let isSet = ["1", "true", "yes", "on"].contains(value.lowercased())
                arguments.append(isSet ? option : "\(option)=\(value)")
            } else {
                let isList = lists.contains(option)
                let values = isList ? value.split { $0 == "," || $0 == " " }.map { String($0) } : [value]
                // In one word: a value may begin with a hyphen.
                arguments += values.map { "\(option)=\($0)" }
            }
            names.append(name)
        }
        return (arguments, names)
    }
}
