import Platform

/// Options in environment variables: `HTTP_STREAMING_MAX_SIZE=1G` for `--max-size 1G`. The command line overrides them.
enum EnvironmentVariables {
    /// The variable of an option.
    ///
    /// - Parameter option: for example `--max-size`.
    static func name(of option: String) -> String {
        "HTTP_STREAMING_" + option.drop { $0 == "-" }.map { $0 == "-" ? "_" : $0.uppercased() }.joined()
    }

    /// Arguments to be inserted before those of the command line.
    ///
    /// - Parameters:
    ///   - options: have a value.
    ///   - flags: have no value. `1`, `true`, `yes` and `on` set them; `0`, `false`, `no` and `off` do not.
    ///   - lists: the options that may occur several times. In a variable their values are separated by commas.
    ///   - required: the options that must not be empty. Other empty variables count as not set.
    ///   - commandLine: its options are not read from the environment.
    /// - Returns: the arguments, and the names of the variables that they come from.
    static func arguments(
        options: [String], flags: [String], lists: [String], required: [String], commandLine: [String]
    ) -> (arguments: [String], names: [String]) {
        var (arguments, names): ([String], [String]) = ([], [])
        // --help works even if a variable is invalid.
        guard !commandLine.contains("--help"), !commandLine.contains("-h") else { return (arguments, names) }
        for option in options + flags where !commandLine.contains(where: { $0 == option || $0.hasPrefix(option + "=") })
        {
            let name = name(of: option)
            guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty || required.contains(option)
            else { continue }
            if flags.contains(option) {
                guard !["0", "false", "no", "off"].contains(value.lowercased()) else { continue }
                // Another value is refused as on the command line.
                let isSet = ["1", "true", "yes", "on"].contains(value.lowercased())
                arguments.append(isSet ? option : "\(option)=\(value)")
            } else {
                let isList = lists.contains(option)
                let values = isList ? value.split { $0 == "," || $0 == " " }.map { String($0) } : [value]
                // In one argument, because a value may begin with a hyphen.
                arguments += values.map { "\(option)=\($0)" }
            }
            names.append(name)
        }
        return (arguments, names)
    }
}
