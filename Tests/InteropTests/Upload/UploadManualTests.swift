import Foundation
import TestSupport
import Testing

@testable import upload

/// The manual page docs/upload.1, which is written by hand, and the completion scripts that the tool prints.
@Suite("The upload tool, manual and completion", .timeLimit(.minutes(3)))
struct UploadManualTests {
    private struct Dump: Decodable {
        struct Command: Decodable {
            let arguments: [Argument]
        }

        struct Argument: Decodable {
            struct Name: Decodable {
                let kind: String
                let name: String
            }

            let names: [Name]?
            let kind: String
            let valueName: String?

            /// As in the manual page: `-j, --jobs n`.
            var tag: String? {
                guard let names else { return nil }
                let all = names.map { ($0.kind == "short" ? "-" : "--") + $0.name }.sorted { $0.count < $1.count }
                return ([all.joined(separator: ", ")] + (kind == "option" ? [valueName ?? ""] : [])).joined(
                    separator: " ")
            }
        }

        let command: Command
    }

    private let tool: UploadTool
    private let path = packageFile("docs/upload.1").path
    /// The lines of the manual page, without changes of font.
    private let lines: [String]

    init() throws {
        tool = try UploadTool()
        let page = try String(contentsOfFile: path, encoding: .utf8)
        lines = page.replacing(/\\f[BIR]/, with: "").replacing("\\-", with: "-").replacing("\\(aq", with: "'")
            .replacing("\\%", with: "").components(separatedBy: "\n")
    }

    /// The lines of a section.
    private func section(_ title: String) throws -> ArraySlice<String> {
        let start = try #require(lines.firstIndex(of: ".SH " + title))
        return lines[(start + 1)...].prefix { !$0.hasPrefix(".SH") }
    }

    private static func skip(_ program: String) throws -> Never {
        print("UploadManualTests: SKIPPED: there is no \(program)")
        try Test.cancel("skipped: there is no \(program)")
    }

    @Test("the manual page has every option with the name of its argument, and no other") func options() async throws {
        let dump = try await tool.run(["--experimental-dump-help"]).standardOutput
        let options = try JSONDecoder().decode(Dump.self, from: dump).command.arguments.compactMap(\.tag)
        #expect(options.count > 20)
        #expect(try section("OPTIONS").filter { $0.hasPrefix("-") }.sorted() == options.sorted())
    }

    @Test("the manual page and docs/UPLOAD.md have every exit status") func exitStatuses() throws {
        let all = (0...255).filter { ExitStatus(rawValue: $0) != nil }.map { "\($0)" }
        #expect(
            try section("EXIT STATUS").compactMap { $0.firstMatch(of: /^\.B ([0-9]+)$/).map { String($0.1) } } == all)
        let table = try String(contentsOf: packageFile("docs/UPLOAD.md"), encoding: .utf8)
        #expect(table.matches(of: /\n\| ([0-9]+) \|/).map { String($0.1) } == all)
    }

    @Test("the manual page has every variable of the environment that the tool reads") func environment() throws {
        let sources = packageFile("Sources/upload")
        let files = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }
        let code = try files.map { try String(contentsOf: sources.appending(path: $0), encoding: .utf8) }.joined()
        let names = Set(code.matches(of: /environment\("([A-Z_]+)"\)/).map { String($0.1) })
        #expect(names.count > 5)
        let text = try section("ENVIRONMENT").joined(separator: " ")
        for name in names.union(["http_proxy", "https_proxy", "all_proxy", "no_proxy"]) {
            #expect(text.contains(name), "\(name)")
        }
    }

    @Test("groff and man render the manual page without a warning") func rendering() async throws {
        guard Subprocess.find("groff") != nil else { try Self.skip("groff") }
        let groff = try await Subprocess.run("groff", ["-man", "-Tutf8", "-P-cbou", "-ww", path])
        #expect(groff.status == 0 && groff.errorOutput == "" && groff.output.contains("UPLOAD_KEY_PASSWORD"))
        // Only man-db has this option.
        guard Subprocess.find("man") != nil, try await Subprocess.run("man", ["--version"]).status == 0 else {
            try Self.skip("man")
        }
        let man = try await Subprocess.run(
            "man", ["--warnings", "-l", path], environment: ["MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"])
        #expect(man.status == 0 && man.errorOutput == "" && man.output.contains("EXIT STATUS"), "\(man.errorOutput)")
    }

    @Test("the shells can read the completion scripts", arguments: ["bash", "zsh", "fish"])
    func completionScript(shell: String) async throws {
        guard Subprocess.find(shell) != nil else { try Self.skip(shell) }
        let script = try await tool.run(["--generate-completion-script", shell])
        let path = try tool.folder.write(script.standardOutput, to: "completion")
        let read = try await Subprocess.run(shell, ["-n", path])
        #expect(script.status == 0 && read.status == 0 && read.errorOutput == "", "\(read.errorOutput)")
    }

    @Test("fish completes options, their values, and files, but no commands") func fish() async throws {
        guard Subprocess.find("fish") != nil else { try Self.skip("fish") }
        let script = try await tool.run(["--generate-completion-script", "fish"])
        try tool.folder.write(script.standardOutput, to: "script")
        _ = try tool.file("notes.txt")
        let tab = "cd $argv[1]; and source script; and complete -C $argv[2]"
        for (line, expected) in [
            ("upload --prog", "--progress"), ("upload --progress b", "bar"), ("upload no", "notes.txt"),
            ("upload --cacert no", "notes.txt"), ("upload a he", nil),
        ] {
            let result = try await Subprocess.run(
                "fish", ["--no-config", "-c", tab, tool.folder.path, line],
                environment: ["HOME": tool.folder.path])
            let words = result.output.split(separator: "\n").compactMap {
                $0.split(separator: "\t").first.map(String.init)
            }
            #expect(words == (expected.map { [$0] } ?? []) && result.errorOutput == "", "\(line): \(result)")
        }
    }

    @Test("zsh completes options, their values, and files") func zsh() async throws {
        guard Subprocess.find("zsh") != nil else { try Self.skip("zsh") }
        let script = try await tool.run(["--generate-completion-script", "zsh"])
        try tool.folder.write(script.standardOutput, to: "_upload")
        _ = try tool.file("notes.txt")
        // A second shell on a terminal, which gets lines that end with a tab: its answer completes them.
        let tab = """
            cd -- $1 && zmodload zsh/zpty && zpty shell zsh -f && zpty -w shell 'PS1="> "; fpath=($PWD $fpath)' &&
            zpty -w shell 'autoload -U compinit; compinit -D -u; print rea""dy' && zpty -r -m shell text '*ready*' || exit
            for line completed in --prog '*--progress*' '--progress b' '*--progress bar*' no '*upload notes.txt*' \\
                '--cacert no' '*--cacert notes.txt*'; do
                zpty -w -n shell $'\\C-u'"upload $line"$'\\t' && zpty -r -m shell text $completed || exit
                print -r -- $line
            done
            """
        let result = try await Subprocess.run(
            "zsh", ["-f", "-c", tab, "zsh", tool.folder.path], deadline: .seconds(40))
        #expect(result.output == "--prog\n--progress b\nno\n--cacert no\n", "\(result)")
    }

    @Test(
        "bash completes options, their values, and files",
        arguments: [
            (["--prog"], ["--progress"]), (["--progress", ""], ["auto", "bar", "none", "plain"]),
            (["--compress", "g"], ["gzip"]), (["no"], ["notes.txt"]), (["a", "no"], ["notes.txt"]),
            (["--cacert", "no"], ["notes.txt"]), (["--unix-socket", "no"], ["notes.txt"]),
            (["--limit-rate", "no"], []),
        ])
    func completion(words: [String], expected: [String]) async throws {
        guard Subprocess.find("bash") != nil else { try Self.skip("bash") }
        let script = try await tool.run(["--generate-completion-script", "bash"])
        try tool.folder.write(script.standardOutput, to: "script")
        _ = try tool.file("notes.txt")
        // What bash does after a tab: https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html
        let tab = """
            cd -- "$1" && shift && source ./script && COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) && COMP_LINE="$*" &&
            COMP_POINT=${#COMP_LINE} && _upload upload "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" &&
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try await Subprocess.run("bash", ["-c", tab, "bash", tool.folder.path, "upload"] + words)
        #expect(result.errorOutput == "")
        #expect(result.output.split(separator: "\n").map(String.init).sorted() == expected, "\(result.output)")
    }
}
