import TestSupport
import Testing

@testable import Receiver

@Suite("XML of object stores")
struct XMLElementTests {
    private func parse(_ text: String) -> XMLElement? { XMLElement(Array(text.utf8)) }

    @Test("elements, text, entities, CDATA, comments, attributes and name spaces") func document() throws {
        let root = try #require(
            parse(
                """
                \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
                <!-- <a> --><s3:List xmlns:s3='http://x/">' b="a>b"><Key>a &lt;&amp;&#65;&#x1F600;&quot;</Key><Empty/>
                <Key><![CDATA[<&]]>x</Key><Owner><ID>1</ID></Owner ></s3:List>
                """))
        #expect(root.name == "List")
        #expect(root.all("Key").map(\.text) == ["a <&A😀\"", "<&x"])
        #expect(root["Empty"] == "" && root["ID"] == nil)
        #expect(root.all("Owner").first?["ID"] == "1")
    }

    @Test(
        "what is not such a document is refused",
        arguments: [
            "", "text", "<a>", "<a></b>", "</a>", "<a", "<>x</>", "<a>&unknown;</a>", "<a>&lt</a>", "<a>&#xD800;</a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><!-- </a>", "<a><![CDATA[ </a>",
            String(repeating: "<a>", count: 20) + String(repeating: "</a>", count: 20),
        ])
    func refused(text: String) { #expect(parse(text) == nil) }

    @Test("text is escaped so that it is read as it was, also before combining characters")
    func escaped() {
        for text in ["a", "<&>\"'", "&\u{301}<\u{301}", "&amp;"] {
            #expect(parse("<a>\(text.xmlEscaped)</a>")?.text == text)
        }
    }

    @Test("random changes of a document never crash") func random() {
        let document = Array("<?xml?><a b='c'><d>&lt;&#65;</d><!-- e --><![CDATA[f]]><g/></a>".utf8)
        var generator = SeededGenerator(case: 96)
        for _ in 0..<5000 {
            var changed = document
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<changed.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: changed[index] = generator.pick(document)
                case 1: changed.removeSubrange(index..<min(changed.count, index + 3))
                default: changed.insert(generator.pick(document), at: index)
                }
                if changed.isEmpty { changed = document }
            }
            _ = XMLElement(changed)
        }
    }
}
