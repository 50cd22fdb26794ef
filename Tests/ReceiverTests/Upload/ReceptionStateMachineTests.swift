import Multipart
import Platform
import Testing

@testable import Receiver

@Suite("Reception, its state machine")
struct ReceptionStateMachineTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("a file begins, is written and ends") func file() throws {
        var machine = Reception.StateMachine()
        let head = PartHead(name: "f", filename: "../x", contentType: "text/plain")
        #expect(try machine.partBegan(head) == "../x", "the storage cleans the name")
        #expect(bytes("abc").withUnsafeBytes { machine.contentArrived($0) } == .write)
        #expect(bytes("de").withUnsafeBytes { machine.contentArrived($0) } == .write)
        #expect(machine.partEnded() == true)
        machine.messageEnded()
        try machine.bodyEnded()
        try machine.partsDigested([0: [.sha256: [0xFF]]], wanted: .sha256)
        let report = machine.published(as: [PublishedFile(name: "x (1)", version: "1", isReplacement: false)])
        var part = try ReceivedPart(head)
        part.size = 5
        part.savedAs = "x (1)"
        part.sha256 = "ff"
        #expect(report.parts == [part])
        #expect(report.bytes == 5)
        #expect(machine.failed() == false, "published files stay")
    }

    @Test("a field's value is kept up to the limits") func field() throws {
        var machine = Reception.StateMachine(limits: .init(valueBytes: 4, allValueBytes: 6))
        for text in ["abcdef", "ghij", "k", ""] {
            #expect(try machine.partBegan(PartHead(name: "n")) == nil)
            if !text.isEmpty {
                #expect(bytes(text).withUnsafeBytes { machine.contentArrived($0) } == .none)
            }
            #expect(machine.partEnded() == false)
        }
        #expect(machine.parts.map { $0.value?.text } == ["abcd", "gh", "", ""])
        #expect(machine.parts.map { $0.value?.isTruncated } == [true, true, true, false])
        #expect(machine.parts.map(\.size) == [6, 4, 1, 0])
    }

    @Test("an empty file input is not a file") func emptyFileInput() throws {
        var machine = Reception.StateMachine()
        #expect(try machine.partBegan(PartHead(name: "f", filename: "")) == nil)
        #expect(machine.partEnded() == false)
        // Without a name but with content, it is a file.
        #expect(try machine.partBegan(PartHead(name: "g", filename: "")) == nil)
        #expect(bytes("x").withUnsafeBytes { machine.contentArrived($0) } == .beginFileAndWrite(named: ""))
        #expect(bytes("x").withUnsafeBytes { machine.contentArrived($0) } == .write)
        #expect(machine.partEnded() == true)
        machine.messageEnded()
        try machine.bodyEnded()
        let report = machine.published(as: [PublishedFile(name: "unnamed", version: "1", isReplacement: false)])
        #expect(report.parts.map(\.savedAs) == [nil, "unnamed"])
        #expect(report.parts.map(\.size) == [0, 2])
    }

    @Test("a body that ends before its closing delimiter is refused") func incomplete() throws {
        var machine = Reception.StateMachine()
        #expect(throws: Refusal.self) { try machine.bodyEnded() }
        _ = try machine.partBegan(PartHead(name: "f", filename: "x"))
        #expect(throws: Refusal.self) { try machine.bodyEnded() }
        _ = machine.partEnded()
        #expect(throws: Refusal.self) { try machine.bodyEnded() }
        machine.messageEnded()
        #expect(throws: Never.self) { try machine.bodyEnded() }
    }

    @Test("a failure abandons the files once") func failure() throws {
        var machine = Reception.StateMachine()
        _ = try machine.partBegan(PartHead(name: "f", filename: "x"))
        #expect(machine.failed() == true)
        #expect(machine.failed() == false)
    }

    @Test("the length of all names is limited") func longNames() throws {
        var form = Receiver.FormLimits()
        form.nameBytes = 12
        var machine = Reception.StateMachine(limits: .init(form: form))
        let head = PartHead(
            name: "12345", filename: "67", otherFields: [HeaderField(name: "890", value: "not counted")])
        _ = try machine.partBegan(head)
        _ = machine.partEnded()
        let error = #expect(throws: Refusal.self) { try machine.partBegan(PartHead(name: "123")) }
        #expect(error?.code == .tooLarge && error?.message.contains("--max-part-names") == true)
    }

    @Test("the number of fields is limited, files do not count") func manyFields() throws {
        var form = Receiver.FormLimits()
        form.fields = 2
        var machine = Reception.StateMachine(limits: .init(form: form))
        for head in [PartHead(name: "a"), PartHead(name: "b", filename: "x"), PartHead(name: "c")] {
            _ = try machine.partBegan(head)
            _ = machine.partEnded()
        }
        let error = #expect(throws: Refusal.self) { try machine.partBegan(PartHead(name: "d")) }
        #expect(error?.code == .tooLarge && error?.message.contains("--max-fields") == true)
    }
}
