# Homebrew formula. deploy/packages/fill writes version, addresses and checksums of a release between the @ signs.
class ApimKeyless < Formula
  desc "Move Azure API Management gateways from auth keys to workload identity"
  homepage "@repository@"
  version "@version@"
  license "MIT"

  on_macos do
    on_arm do
      url "@releases@/apim-keyless-@version@-darwin-arm64.tar.gz"
      sha256 "@sha256 darwin-arm64@"
    end
    on_intel do
      url "@releases@/apim-keyless-@version@-darwin-amd64.tar.gz"
      sha256 "@sha256 darwin-amd64@"
    end
  end

  on_linux do
    on_arm do
      url "@releases@/apim-keyless-@version@-linux-arm64.tar.gz"
      sha256 "@sha256 linux-arm64@"
    end
    on_intel do
      url "@releases@/apim-keyless-@version@-linux-amd64.tar.gz"
      sha256 "@sha256 linux-amd64@"
    end
  end

  def install
    bin.install "apim-keyless"
    # kubectl finds a program of this name in the PATH
    bin.install_symlink "apim-keyless" => "kubectl-apim_keyless"
    generate_completions_from_executable(bin/"apim-keyless", "completions")
    system bin/"apim-keyless", "man", "man"
    man1.install Dir["man/*.1"]
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/apim-keyless --version")
    (testpath/"gateway.yaml").write shell_output("#{bin}/apim-keyless generate gateway --name orders --namespace apim --endpoint orders.configuration.azure-api.net --client-id 00000000-0000-4000-8000-000000000000 --tenant-id 00000000-0000-4000-8000-000000000001")
    system bin/"apim-keyless", "check", "gateway.yaml"
  end
end
