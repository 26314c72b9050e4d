// Role: what is hidden of texts that are shown, and what is not.

import KQL
import Testing

@Suite struct ObfuscatedTextTests {
  struct Case: CustomTestStringConvertible {
    var text: String
    var hidden: String
    var isMessage = true
    var testDescription: String { text }
  }

  static let cases: [Case] = [
    Case(text: "cannot read https://a/c/b.csv?sv=1&sig=KEY&se=2", hidden: "cannot read https://a/c/b.csv?sv=1&sig=****&se=2"),
    Case(text: "https://a/c?SIG=KEY", hidden: "https://a/c?SIG=****"),
    Case(text: "sig%3DKEY", hidden: "sig%3D****"),
    Case(text: "AccountKey=KEY==;EndpointSuffix=x", hidden: "AccountKey=****;EndpointSuffix=x"),
    Case(text: "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=KEYabc==;", hidden: "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=****;"),
    Case(text: "SharedAccessSignature=KEY", hidden: "SharedAccessSignature=****"),
    Case(text: "AppKey=KEY;Authority Id=x", hidden: "AppKey=****;Authority Id=x"),
    Case(text: "https://user:KEY@host/x", hidden: "https://user:****@host/x"),
    Case(text: "https://user@host:80/x, http://host:80/a@b", hidden: "https://user@host:80/x, http://host:80/a@b"),
    Case(text: "the header Bearer KEY.abc-def_g is bad", hidden: "the header Bearer **** is bad"),
    Case(text: "password=KEY", hidden: "password=****"),
    Case(text: "https://a/?x=1&code=KEY&y=2", hidden: "https://a/?x=1&code=****&y=2"),
    Case(text: "status code=500", hidden: "status code=500"),
    Case(text: "cannot read https://b/x;AwsCredentials=ID,KEY, nor https://b/y;impersonate (see https://a/c;KEY)", hidden: "cannot read https://b/x;****, nor https://b/y;impersonate (see https://a/c;****)"),
    Case(text: "'https://b/x;AwsCredentials=ID,KEY': 403", hidden: "'https://b/x;****': 403"),
    Case(text: "https://b/x?X-Amz-Credential=ID&X-Amz-Signature=KEY&y=1", hidden: "https://b/x?X-Amz-Credential=ID&X-Amz-Signature=****&y=1"),
    Case(text: "externaldata(a:int)['https://b/x;AwsCredentials=ID,KEY', @'https://b/y;AwsCredentials=ID, KEY' ] | take 1", hidden: "externaldata(a:int)['https://b/x;****', @'https://b/y;****' ] | take 1", isMessage: false),
    Case(text: "externaldata(a:int)['https://b/y;AwsCredentials=ID,KE", hidden: "externaldata(a:int)['https://b/y;****", isMessage: false),
    Case(text: "externaldata(a:int)[\"https://a/f?code=KEY&x=1\"]", hidden: "externaldata(a:int)[\"https://a/f?code=****&x=1\"]", isMessage: false),
    Case(text: "externaldata(a:int)['https://a/b;impersonate', 'https://a/c?sig=KEY;x']", hidden: "externaldata(a:int)['https://a/b;impersonate', 'https://a/c?sig=****;****']", isMessage: false),
    // In a query they are columns.
    Case(text: "T | extend password=strcat(a, b)", hidden: "T | extend password=strcat(a, b)", isMessage: false),
    Case(text: "T | where design=1", hidden: "T | where design=1", isMessage: false),
    Case(text: "externaldata(a:int)[h'https://a/b;KEY']", hidden: "externaldata(a:int)[h'****']", isMessage: false),
  ]

  @Test(arguments: cases) func hidden(_ item: Case) { #expect(ObfuscatedText.hidden(item.text, isMessage: item.isMessage) == item.hidden) }
}
